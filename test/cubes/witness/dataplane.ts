import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { queue, u16 } from '../../../src/lang/index.ts'

export const witness = defineCube('witness', {
  summary: 'notes by which port each packet came, in their order, and floods or drops them',
  ports: z.strictObject({}),
  config: z.strictObject({ floods: z.boolean().default(false) }),
  state: { seen: queue({ value: { port: u16 }, entries: 64 }) },
  drops: { noted: 'that is all that happens to it' },
})

export default dataplane(witness, (_, { state, config, port, drop, flood }) => {
  state.seen.push({ port: port.id })
  return config.floods ? flood() : drop('noted')
})
