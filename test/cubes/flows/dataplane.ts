import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, flowOf, u8, u16, u32 } from '../../../src/lang/index.ts'

export const flows = defineCube('flows', {
  summary: 'keeps what the last packet was',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    last: array({
      value: {
        type: u16,
        network: u32,
        protocol: u8,
        transport: u32,
        fragment: u8,
        sourcePort: u16,
        destinationPort: u16,
      },
      entries: 1,
    }),
  },
  drops: { kept: 'what it was is kept', no_entry: 'no entry' },
})

export default dataplane(flows, (packet, { state, drop }) => {
  const flow = flowOf(packet)
  return state.last.set({ index: 0 }, flow) ? drop('kept') : drop('no_entry')
})
