import { dataplane, defineCube } from 'tessera/cube'
import {
  array,
  atomic,
  contains,
  ETHERTYPE,
  FRAGMENT,
  flowOf,
  IPv4,
  list,
  PROTOCOL,
  prefix,
  Tcp,
  u8,
  u16,
  u64,
} from 'tessera/lang'
import { z } from 'zod'

const rule = z.strictObject({
  source: z.string(),
  protocol: z.enum(['tcp', 'udp', 'icmp']).optional(),
  low: z.number().int().default(0),
  established: z.boolean().default(false),
})

/** Ranges of ports that a table has, and rules that the configuration has, of which the first that fits decides. */
export const ranges = defineCube('ranges', {
  summary: 'a list that a loop goes through, between two looks at what was parsed',
  ports: z.strictObject({}),
  config: z.strictObject({ rules: z.array(rule).default([]) }),
  state: {
    ports: array({ value: { low: list(u16, 64), high: list(u16, 64), allowed: list(u8, 64) }, entries: 3 }),
    hits: array({ value: { packets: u64, bytes: u64 }, entries: 16 }),
  },
  drops: { truncated: 'shorter than its headers', denied: 'by a range', unmatched: 'by no rule' },
})

export default dataplane(ranges, (packet, { state, config, drop, flood }) => {
  const { type, network, protocol, transport, fragment, destinationPort } = flowOf(packet)
  if (type !== ETHERTYPE.ipv4) return flood()
  const ip = packet.read(IPv4, network)
  if (!ip) return drop('truncated')
  let established = false
  if (protocol === PROTOCOL.tcp && fragment !== FRAGMENT.later) {
    const tcp = packet.read(Tcp, transport)
    if (!tcp) return drop('truncated')
    established = tcp.ack === 1 || tcp.rst === 1
  }
  const ports = state.ports.get({ index: protocol === PROTOCOL.tcp ? 0 : protocol === PROTOCOL.udp ? 1 : 2 })
  if (ports) {
    for (let i = 0; i < 64; i++) {
      if (ports.low[i] === 0 && ports.high[i] === 0) break
      if (destinationPort < ports.low.at(i) || destinationPort > ports.high.at(i)) continue
      if (ports.allowed[i] === 1) return flood()
      return drop('denied')
    }
  }
  for (const [i, rule] of config.rules.entries()) {
    if (!contains(prefix(rule.source), ip.source)) continue
    if (rule.protocol !== undefined && protocol !== PROTOCOL[rule.protocol]) continue
    if (destinationPort < rule.low || (rule.established && !established)) continue
    const hit = state.hits.get({ index: i })
    if (hit) {
      atomic.add(hit, 'packets', 1)
      atomic.add(hit, 'bytes', packet.length)
    }
    return flood()
  }
  return drop('unmatched')
})
