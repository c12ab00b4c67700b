import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { bloom, Ethernet, mac, ring, u8, u16, u32 } from '../../../src/lang/index.ts'

export const watcher = defineCube('watcher', {
  summary: 'tells of each sender when it comes for the first time',
  ports: z.strictObject({}),
  config: z.strictObject({ all: z.boolean().default(false) }),
  state: {
    arrivals: ring({ value: { source: mac, port: u16, kind: u8, length: u32 }, bytes: 4096 }),
    seen: bloom({ value: { address: mac, port: u16 }, entries: 1000 }),
  },
  drops: {
    truncated: 'too short',
    known: 'came before',
    told: 'the control plane knows of it now',
    untold: 'nobody reads',
  },
})

export default dataplane(watcher, (packet, { state, config, port, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (!config.all) {
    if (state.seen.has({ address: ethernet.source, port: port.id })) return drop('known')
    state.seen.add({ address: ethernet.source, port: port.id })
  }
  const told = state.arrivals.emit({ source: ethernet.source, port: port.id, kind: 7, length: packet.length })
  return told ? drop('told') : drop('untold')
})
