import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  array,
  ETHERTYPE,
  Ethernet,
  hash,
  IPv4,
  ipv4,
  type Packet,
  u16,
  u32,
  u64,
  Vlan,
} from '../../../src/lang/index.ts'

export const chosen = defineCube('chosen', {
  summary: 'counts packets in entries that it chooses',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    totals: array({ value: { packets: u64, longest: u32 }, entries: 3 }),
    flows: hash({ key: { source: ipv4, length: u16 }, value: { packets: u64 }, entries: 2 }),
  },
  drops: { other: 'not IPv4', counted: 'in an entry', full: 'no room for another flow' },
})

/** The IPv4 header, behind no, one or two tags. */
function ipv4In(packet: Packet) {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return null
  if (ethernet.type === ETHERTYPE.ipv4) return packet.read(IPv4, Ethernet.size)
  if (ethernet.type !== ETHERTYPE.vlan) return null
  const tag = packet.read(Vlan, Ethernet.size)
  if (!tag) return null
  const inner = tag.type === ETHERTYPE.vlan ? packet.read(Vlan, Ethernet.size + Vlan.size) : null
  const ip = packet.read(IPv4, Ethernet.size + (inner ? 2 : 1) * Vlan.size)
  return ip && (inner ? inner.type : tag.type) === ETHERTYPE.ipv4 ? ip : null
}

export default dataplane(chosen, (packet, { state, drop }) => {
  const ip = ipv4In(packet)
  const low = state.totals.get({ index: 0 })
  const high = state.totals.get({ index: 1 })
  const others = state.totals.get({ index: 2 })
  if (!low || !high || !others) return drop('other')
  const total = ip ? (ip.source[3] < 128 ? low : high) : others
  total.packets += 1
  const longer = packet.length > total.longest ? total : null
  if (longer) longer.longest = packet.length
  if (!ip) return drop('other')
  const { source, totalLength } = ip
  const key = { source, length: totalLength }
  const flow = state.flows.get(key)
  if (flow) flow.packets += 1
  else if (!state.flows.set(key, { packets: 1 })) return drop('full')
  return drop('counted')
})
