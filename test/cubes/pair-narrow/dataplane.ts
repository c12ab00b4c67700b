import { dataplane } from '../../../src/cube/index.ts'
import { Ethernet } from '../../../src/lang/index.ts'
import { pair } from './schema.ts'

export default dataplane(pair, (packet, { state, port, forward, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('short')
  if (!state.senders.get({ address: ethernet.source }))
    state.senders.set({ address: ethernet.source }, { port: port.id })
  return forward(1 - port.id)
})
