import { z } from 'zod'
import { dataplane, defineCube } from '../../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, hash, header, IPv4, PROTOCOL, u8, u16 } from '../../../../src/lang/index.ts'

const filter = defineCube('filter', {
  shape: 'transparent',
  summary: 'lets services be reached',
  config: z.strictObject({}),
  state: { services: hash({ key: { port: u16, protocol: u8 }, value: { allowed: u8 }, entries: 1024 }) },
  drops: {
    truncated: 'short',
    not_ipv4: 'another protocol',
    no_ports: 'neither TCP nor UDP, or not the first fragment',
    denied: 'not a service that may be reached',
  },
})

export const Ports = header('Ports', { source: u16, destination: u16 })

export default dataplane(filter, (packet, { state, direction, drop, next }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return drop('not_ipv4')
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.protocol !== PROTOCOL.tcp && ip.protocol !== PROTOCOL.udp) return drop('no_ports')
  if (ip.fragmentOffset !== 0) return drop('no_ports')
  const ports = packet.read(Ports, 14 + ip.headerLength * 4)
  if (!ports) return drop('truncated')
  // Where the connection was opened to: answers come from there.
  const port = direction === 'egress' ? ports.destination : ports.source
  const service = state.services.get({ port, protocol: ip.protocol })
  if (!service || service.allowed === 0) return drop('denied')
  return next()
})
