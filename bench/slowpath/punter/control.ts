import { control } from '../../../src/cube/index.ts'
import { punter } from './dataplane.ts'

export default control(punter, {
  onPunt({ metadata: { source }, port, packet }, { state, inject }) {
    state.flows.set({ source }, { port, packets: 0n })
    inject(port, packet)
  },
})
