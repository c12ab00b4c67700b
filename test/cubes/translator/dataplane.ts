import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, header, IPv4, IPv6, ipv4, ipv6, PROTOCOL, Tcp, u8 } from '../../../src/lang/index.ts'

/** So far into a packet that of a large segment it is not in the first part. */
export const FAR = 1500
export const Octet = header('Octet', { value: u8 })

export const translator = defineCube('translator', {
  summary: 'each of two hosts knows the other one by another address, and its TCP port 80 as 8080',
  ports: z.strictObject({ client: z.boolean().default(false) }),
  config: z.strictObject({}),
  state: {},
  drops: { truncated: 'too short', expired: 'no hops left', hidden: 'long enough, and yet nothing there' },
})

export default dataplane(translator, (packet, { port, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (packet.length > FAR && !packet.read(Octet, FAR)) return drop('hidden')
  if (ethernet.type === ETHERTYPE.ipv4) {
    const ip = packet.read(IPv4, Ethernet.size)
    if (!ip) return drop('truncated')
    if (ip.timeToLive < 2) return drop('expired')
    ip.timeToLive--
    if (port.client) {
      ip.source = ipv4('10.77.0.101')
      ip.destination = ipv4('10.77.0.2')
    } else {
      ip.source = ipv4('10.77.0.102')
      ip.destination = ipv4('10.77.0.1')
    }
    if (ip.protocol !== PROTOCOL.tcp || ip.fragmentOffset !== 0) return flood()
    const tcp = packet.read(Tcp, Ethernet.size + ip.headerLength * 4)
    if (!tcp) return drop('truncated')
    if (port.client && tcp.destinationPort === 8080) tcp.destinationPort = 80
    else if (!port.client && tcp.sourcePort === 80) tcp.sourcePort = 8080
    return flood()
  }
  if (ethernet.type !== ETHERTYPE.ipv6) return flood()
  const ip = packet.read(IPv6, Ethernet.size)
  if (!ip) return drop('truncated')
  if (ip.hopLimit < 2) return drop('expired')
  ip.hopLimit--
  if (port.client) {
    ip.source = ipv6('fd77::101')
    ip.destination = ipv6('fd77::2')
  } else {
    ip.source = ipv6('fd77::102')
    ip.destination = ipv6('fd77::1')
  }
  if (ip.nextHeader !== PROTOCOL.tcp) return flood()
  const tcp = packet.read(Tcp, Ethernet.size + IPv6.size)
  if (!tcp) return drop('truncated')
  if (port.client && tcp.destinationPort === 8080) tcp.destinationPort = 80
  else if (!port.client && tcp.sourcePort === 80) tcp.sourcePort = 8080
  return flood()
})
