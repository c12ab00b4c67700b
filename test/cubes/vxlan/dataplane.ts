import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, IPv4, IPv6, ipv4, ipv6, mac, PROTOCOL, Udp, Vxlan } from '../../../src/lang/index.ts'

const PORT = 4789

export const vxlan = defineCube('vxlan', {
  summary: 'one VXLAN tunnel to one other end, over IPv4 or IPv6 (RFC 7348)',
  ports: z.strictObject({ underlay: z.boolean().default(false) }),
  config: z.strictObject({
    id: z.int().min(0).max(0xffffff),
    overIPv6: z.boolean().default(false),
    /** The ends, of the version that is used. */
    local: z.string().default('0.0.0.0'),
    remote: z.string().default('0.0.0.0'),
    local6: z.string().default('::'),
    remote6: z.string().default('::'),
    localMac: z.string(),
    remoteMac: z.string(),
  }),
  state: {},
  drops: { truncated: 'shorter than its headers', room: 'no room for the headers', stranger: 'not of this tunnel' },
})

export default dataplane(vxlan, (packet, { config, port, drop, flood, pass }) => {
  const length = packet.length
  if (port.underlay) {
    const ethernet = packet.read(Ethernet)
    if (!ethernet) return drop('truncated')
    if (config.overIPv6) {
      if (ethernet.type !== ETHERTYPE.ipv6) return pass()
      const ip = packet.read(IPv6, Ethernet.size)
      if (!ip || ip.nextHeader !== PROTOCOL.udp || ip.source !== ipv6(config.remote6)) return pass()
      const udp = packet.read(Udp, Ethernet.size + IPv6.size)
      const tunnel = packet.read(Vxlan, Ethernet.size + IPv6.size + Udp.size)
      if (!udp || !tunnel || udp.destinationPort !== PORT) return pass()
      if (tunnel.id !== config.id) return drop('stranger')
      if (!packet.decapsulate(IPv6, Udp, Vxlan, Ethernet)) return drop('truncated')
      return flood()
    }
    if (ethernet.type !== ETHERTYPE.ipv4) return pass()
    const ip = packet.read(IPv4, Ethernet.size)
    if (!ip) return pass()
    if (ip.headerLength !== 5 || ip.protocol !== PROTOCOL.udp || ip.source !== ipv4(config.remote)) return pass()
    const udp = packet.read(Udp, Ethernet.size + IPv4.size)
    const tunnel = packet.read(Vxlan, Ethernet.size + IPv4.size + Udp.size)
    if (!udp || !tunnel || udp.destinationPort !== PORT) return pass()
    if (tunnel.id !== config.id) return drop('stranger')
    if (!packet.decapsulate(IPv4, Udp, Vxlan, Ethernet)) return drop('truncated')
    return flood()
  }

  if (config.overIPv6) {
    if (!packet.encapsulate(IPv6, Udp, Vxlan, Ethernet)) return drop('room')
    const ip = packet.read(IPv6, Ethernet.size)
    const udp = packet.read(Udp, Ethernet.size + IPv6.size)
    const tunnel = packet.read(Vxlan, Ethernet.size + IPv6.size + Udp.size)
    if (!ip || !udp || !tunnel) return drop('room')
    ip.version = 6
    ip.payloadLength = length + Udp.size + Vxlan.size
    ip.hopLimit = 64
    ip.source = ipv6(config.local6)
    ip.destination = ipv6(config.remote6)
    ip.nextHeader = PROTOCOL.udp
    udp.sourcePort = 49152
    udp.destinationPort = PORT
    udp.length = length + Udp.size + Vxlan.size
    tunnel.flags = 8
    tunnel.id = config.id
  } else {
    if (!packet.encapsulate(IPv4, Udp, Vxlan, Ethernet)) return drop('room')
    const ip = packet.read(IPv4, Ethernet.size)
    const udp = packet.read(Udp, Ethernet.size + IPv4.size)
    const tunnel = packet.read(Vxlan, Ethernet.size + IPv4.size + Udp.size)
    if (!ip || !udp || !tunnel) return drop('room')
    ip.version = 4
    ip.headerLength = 5
    ip.totalLength = length + IPv4.size + Udp.size + Vxlan.size
    ip.timeToLive = 64
    ip.source = ipv4(config.local)
    ip.destination = ipv4(config.remote)
    ip.protocol = PROTOCOL.udp
    udp.sourcePort = 49152
    udp.destinationPort = PORT
    udp.length = length + Udp.size + Vxlan.size
    tunnel.flags = 8
    tunnel.id = config.id
  }
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  ethernet.source = mac(config.localMac)
  ethernet.destination = mac(config.remoteMac)
  ethernet.type = config.overIPv6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4
  return flood()
})
