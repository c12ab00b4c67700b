import { z } from 'zod'
import { route } from '../route.ts'
import { count, counts, graphParams, instanceParams, name, revision } from '../schemas.ts'
import { graphState } from './graphs.ts'

const counted = {
  received: count,
  sent: count,
  drops: counts.describe('by reason; reasons that never happened are left out'),
  lost: counts.describe('events that found no room, by ring'),
  punts: counts.describe('left to the control plane, by reason'),
}

const port = z
  .object({
    name: z.string(),
    to: z.string().describe('eth0, blue/eth0, host eth0, router.lan, or nothing'),
    state: z
      .enum(['up', 'down', 'detached', 'elsewhere'])
      .describe('detached: no program is on its interface; elsewhere: its interface is in another network namespace'),
    ...counted,
  })
  .meta({ id: 'PortStatus' })

const cell = z.union([z.string(), z.number()])

export const instanceStatus = z
  .object({
    name,
    cube: z.string(),
    summary: z.string(),
    ports: z.array(port).describe('of a transparent cube, its directions'),
    views: z
      .record(z.string(), z.array(z.record(z.string(), cell)))
      .describe('what its control plane shows, by title; numbers above 2^53 as text'),
    control: z
      .object({
        state: z.enum(['starting', 'running', 'waiting']).describe('waiting: it failed, and is started anew'),
        restarts: z.int(),
        failure: z.string().optional(),
      })
      .optional()
      .describe('of a cube whose control plane runs'),
  })
  .meta({ id: 'InstanceStatus' })

const graphStatus = z
  .object({
    name,
    state: graphState,
    reason: z.string().optional(),
    revision: revision.optional(),
    point: z.string().optional().describe('where its programs are on interfaces; none where nothing runs'),
    instances: z.array(instanceStatus),
  })
  .meta({ id: 'GraphStatus' })

export const getGraphStatus = route('getGraphStatus', {
  role: 'viewer',
  summary: 'How a graph does: ports, packets, drops, and what control planes show',
  params: graphParams,
  output: graphStatus,
  errors: [404],
})

export const getInstanceStatus = route('getInstanceStatus', {
  role: 'viewer',
  summary: 'How an instance does',
  params: instanceParams,
  output: instanceStatus,
  errors: [404],
})

const portCounters = z.object({ instance: name, port: z.string(), ...counted }).meta({ id: 'PortCounters' })

export const getCounters = route('getCounters', {
  role: 'viewer',
  summary: 'Packets and bytes, by port',
  params: graphParams,
  output: z.array(portCounters),
  errors: [404],
})

export const getDrops = route('getDrops', {
  role: 'viewer',
  summary: 'What was dropped, by port and reason, the most first',
  params: graphParams,
  output: z.array(
    z
      .object({ instance: name, port: z.string(), reason: z.string(), meaning: z.string(), ...count.shape })
      .meta({ id: 'Drop' }),
  ),
  errors: [404],
})
