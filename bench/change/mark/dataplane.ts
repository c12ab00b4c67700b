import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Ethernet, lruHash, mac, u64 } from '../../../src/lang/index.ts'
import { ETHER_TYPE, Trail } from '../trail.ts'

export const mark = defineCube('mark', {
  summary: 'writes its number into packets, and counts who sent them',
  ports: z.strictObject({}),
  config: z.strictObject({ place: z.int().min(0).max(9), number: z.int().min(0).max(255) }),
  state: { senders: lruHash({ key: { address: mac }, value: { packets: u64 }, entries: 1024 }) },
  drops: { short: 'no Ethernet header', other: 'nothing that is to be marked' },
})

export default dataplane(mark, (packet, { config, state, port, forward, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('short')
  const trail = ethernet.type === ETHER_TYPE ? packet.read(Trail, Ethernet.size) : null
  if (!trail) return drop('other')
  const sender = state.senders.get({ address: ethernet.source })
  if (sender) sender.packets += 1
  else state.senders.set({ address: ethernet.source }, { packets: 1 })
  trail.marks[config.place] = config.number
  return forward(1 - port.id)
})
