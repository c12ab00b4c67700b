import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  array,
  ETHERTYPE,
  Ethernet,
  header,
  IPv4,
  IPv6,
  ipv4,
  ipv6,
  PROTOCOL,
  u8,
  u16,
  u32,
  Vlan,
} from '../../../src/lang/index.ts'

const cube = defineCube('parse', {
  summary: 'who speaks to whom, left in a table',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    last: array({
      value: {
        source4: ipv4,
        destination4: ipv4,
        source6: ipv6,
        destination6: ipv6,
        sourcePort: u16,
        destinationPort: u16,
        vlan: u16,
        protocol: u8,
        fragment: u8,
      },
      entries: 1,
    }),
  },
  drops: { truncated: 'short', invalid: 'wrong', no_entry: 'no entry' },
})

export const Ports = header('Ports', { source: u16, destination: u16 })
/** RFC 8200 section 4; `word` is the fragment header's offset. */
export const Extension = header('Extension', { next: u8, length: u8, word: u16, identification: u32 })

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const DESTINATION = 60
const FIRST = 1
const LATER = 2

export default dataplane(cube, (packet, { state, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  const last = state.last.get({ index: 0 })
  if (!last) return drop('no_entry')
  let type = ethernet.type
  let at: u32 = 14
  if (type === ETHERTYPE.vlan || type === ETHERTYPE.serviceVlan) {
    const tag = packet.read(Vlan, 14)
    if (!tag) return drop('truncated')
    type = tag.type
    at = 18
  }
  let protocol: u8 = 0
  let fragment: u8 = 0
  if (type === ETHERTYPE.ipv4) {
    const ip = packet.read(IPv4, at)
    if (!ip) return drop('truncated')
    if (ip.version !== 4 || ip.headerLength < 5) return drop('invalid')
    last.source4 = ip.source
    last.destination4 = ip.destination
    protocol = ip.protocol
    if (ip.fragmentOffset !== 0) fragment = LATER
    else if ((ip.flags & 1) !== 0) fragment = FIRST
    at += ip.headerLength * 4
  } else if (type === ETHERTYPE.ipv6) {
    const ip = packet.read(IPv6, at)
    if (!ip) return drop('truncated')
    last.source6 = ip.source
    last.destination6 = ip.destination
    protocol = ip.nextHeader
    at += 40
    for (let i = 0; i < 6; i++) {
      if (protocol !== HOP_BY_HOP && protocol !== ROUTING && protocol !== DESTINATION && protocol !== FRAGMENT) break
      const extension = packet.read(Extension, at)
      if (!extension) return drop('truncated')
      if (protocol === FRAGMENT) {
        fragment = (extension.word & 0xfff8) !== 0 ? LATER : FIRST
        at += 8
      } else at += (extension.length + 1) * 8
      protocol = extension.next
      if (fragment === LATER) break
    }
  } else return pass()
  last.sourcePort = 0
  last.destinationPort = 0
  if (fragment !== LATER && (protocol === PROTOCOL.tcp || protocol === PROTOCOL.udp)) {
    const ports = packet.read(Ports, at)
    if (!ports) return drop('truncated')
    last.sourcePort = ports.source
    last.destinationPort = ports.destination
  }
  last.vlan = packet.vlan
  last.protocol = protocol
  last.fragment = fragment
  return forward(1)
})
