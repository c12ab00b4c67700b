import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, ETHERTYPE, Ethernet, header, IPv4, ipv4, PROTOCOL, u8, u16, u32 } from '../../../src/lang/index.ts'

const cube = defineCube('parse', {
  summary: 'who speaks to whom, left in a table',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    last: array({
      value: {
        source: ipv4,
        destination: ipv4,
        sourcePort: u16,
        destinationPort: u16,
        vlan: u16,
        protocol: u8,
        service: u8,
        length: u32,
      },
      entries: 1,
    }),
  },
  drops: { truncated: 'short', invalid: 'wrong', expired: 'too many hops', no_entry: 'no entry' },
})

export const Ports = header('Ports', { source: u16, destination: u16 })

export default dataplane(cube, (packet, { state, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.version !== 4 || ip.headerLength !== 5) return drop('invalid')
  if (ip.timeToLive <= 1) return drop('expired')
  if (ip.fragmentOffset !== 0) return pass()
  if (ip.protocol !== PROTOCOL.tcp && ip.protocol !== PROTOCOL.udp) return pass()
  const ports = packet.read(Ports, 34)
  if (!ports) return drop('truncated')
  const last = state.last.get({ index: 0 })
  if (!last) return drop('no_entry')
  last.source = ip.source
  last.destination = ip.destination
  last.sourcePort = ports.source
  last.destinationPort = ports.destination
  last.vlan = packet.vlan
  last.protocol = ip.protocol
  last.service = ip.service
  last.length = ip.totalLength
  return forward(1)
})
