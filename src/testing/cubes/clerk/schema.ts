import { defineCube } from 'tessera/cube'
import { hash, mac, portId } from 'tessera/lang'
import { z } from 'zod'

/** Its control plane decides everything once, and can be made to fail by frames from certain addresses. */
export const clerk = defineCube('clerk', {
  summary: 'a switch that forwards by what its control plane has learned, and asks it about the rest',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    stations: hash({ key: { address: mac }, value: { port: portId }, entries: 1024 }),
  },
  drops: { truncated: 'shorter than an Ethernet header' },
  punts: {
    stranger: { summary: 'the sender is not known, or is elsewhere', metadata: { source: mac, destination: mac } },
    unknown: { summary: 'the destination is not known', metadata: { destination: mac }, packet: 2000 },
  },
})

/** Who sends from here makes the control plane throw, or hang. */
export const THROWS = '02:00:00:00:00:66'
export const HANGS = '02:00:00:00:00:99'
