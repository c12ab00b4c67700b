import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Ethernet, hash, mac, queue, stack, u16, u32 } from '../../../src/lang/index.ts'

export const pool = defineCube('ports-pool', {
  summary: 'gives each sender a number, and remembers who came',
  ports: z.strictObject({}),
  config: z.strictObject({ look: z.boolean().default(false) }),
  state: {
    free: queue({ value: { number: u16, used: u32 }, entries: 4 }),
    seen: stack({ value: { address: mac, length: u32 }, entries: 2 }),
    leases: hash({ key: { address: mac }, value: { number: u16, used: u32 }, entries: 8 }),
  },
  drops: {
    truncated: 'too short',
    exhausted: 'no number is left',
    full: 'nobody takes senders out',
    leased: 'all others',
  },
})

export default dataplane(pool, (packet, { state, config, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (config.look) {
    const next = state.free.peek()
    if (!next || next.number === 0) return drop('exhausted')
  }
  const room = state.seen.push({ address: ethernet.source, length: packet.length })
  if (!room) return drop('full')
  let total: u32 = 0
  for (let i = 0; i < 2; i++) {
    const taken = state.free.pop()
    if (taken === null) return drop('exhausted')
    const last = state.seen.peek()
    if (!last) return drop('full')
    total += taken.used + 1
    if (!state.free.push({ number: taken.number, used: total }) || last.length === 0) return drop('full')
  }
  const given = state.free.pop()
  if (!given) return drop('exhausted')
  state.leases.set({ address: ethernet.source }, { number: given.number, used: given.used + total })
  return drop('leased')
})
