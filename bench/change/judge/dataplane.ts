import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Ethernet, perCpuArray, u64 } from '../../../src/lang/index.ts'
import { ETHER_TYPE, Trail } from '../trail.ts'

export const judge = defineCube('judge', {
  summary: 'counts packets that were marked, and those of them that not all cubes have marked alike',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { seen: perCpuArray({ value: { packets: u64, mixed: u64 }, entries: 1 }) },
  drops: { other: 'nothing that was marked', counted: 'all others' },
})

export default dataplane(judge, (packet, { state, drop }) => {
  const ethernet = packet.read(Ethernet)
  const trail = ethernet && ethernet.type === ETHER_TYPE ? packet.read(Trail, Ethernet.size) : null
  const seen = state.seen.get({ index: 0 })
  if (!trail || !seen) return drop('other')
  const [first] = trail.marks
  let mixed = false
  for (const one of trail.marks) if (one !== first) mixed = true
  seen.packets += 1
  if (mixed) seen.mixed += 1
  return drop('counted')
})
