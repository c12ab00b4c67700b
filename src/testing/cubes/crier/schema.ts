import { defineCube } from 'tessera/cube'
import { z } from 'zod'

export const crier = defineCube('crier', {
  summary: 'has its control plane hear what comes in, and floods what that says at the port with the number 0',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {},
  drops: {},
  punts: { heard: { summary: 'all of it', packet: 2000 } },
})
