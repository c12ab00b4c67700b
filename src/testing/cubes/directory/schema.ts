import { defineCube } from 'tessera/cube'
import { hash, ipv4, list, locked, lpmTrie, lruHash, mac, perCpuHash, portId, u8, u64 } from 'tessera/lang'
import { z } from 'zod'

/** Its entries name ports wherever they can. What arrives is flooded. */
export const directory = defineCube('directory', {
  summary: 'tables of all forms that name ports',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    stations: hash({ key: { address: mac }, value: { port: portId }, entries: 64 }),
    recent: lruHash({ key: { address: mac }, value: { seen: u64, port: portId }, entries: 64 }),
    budgets: locked(hash({ key: { address: mac }, value: { port: portId, tokens: u64 }, entries: 64 })),
    groups: hash({ key: { group: ipv4 }, value: { members: list(portId, 3) }, entries: 64 }),
    paths: hash({ key: { to: ipv4 }, value: { hops: list({ weight: u8, port: portId }, 2) }, entries: 64 }),
    loads: perCpuHash({ key: { kind: u8, port: portId }, value: { packets: u64 }, entries: 64 }),
    routes: lpmTrie({ key: { from: portId, destination: ipv4 }, value: { port: portId }, entries: 64 }),
  },
  drops: {},
})
