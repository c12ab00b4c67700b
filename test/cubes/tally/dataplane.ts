import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Ethernet, mac, perCpuArray, perCpuHash, perCpuLruHash, u16, u32, u64 } from '../../../src/lang/index.ts'

export const tally = defineCube('tally', {
  summary: 'counts, and drops',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    ports: perCpuArray({ value: { packets: u32, longest: u16, sender: mac }, entries: 4 }),
    senders: perCpuHash({ key: { address: mac }, value: { packets: u64 }, entries: 2 }),
    recent: perCpuLruHash({ key: { address: mac }, value: { bytes: u64 }, entries: 64 }),
  },
  drops: { truncated: 'too short', full: 'no room for another sender', counted: 'all others' },
})

export default dataplane(tally, (packet, { state, port, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  const cell = state.ports.get({ index: port.id })
  if (cell) {
    cell.packets += 1
    cell.longest = packet.length
    cell.sender = ethernet.source
  }
  const last = state.recent.get({ address: ethernet.source })
  if (last) last.bytes += packet.length
  else state.recent.set({ address: ethernet.source }, { bytes: packet.length })
  const sender = state.senders.get({ address: ethernet.source })
  if (sender) sender.packets += 1
  else if (!state.senders.set({ address: ethernet.source }, { packets: 1 })) return drop('full')
  return drop('counted')
})
