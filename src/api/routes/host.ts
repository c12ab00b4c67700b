import { z } from 'zod'
import { route } from '../route.ts'
import { graphState } from './graphs.ts'

export const listInterfaces = route('listInterfaces', {
  role: 'viewer',
  summary: 'Interfaces that ports can lead to',
  output: z.array(
    z
      .object({
        name: z.string(),
        index: z.int(),
        mac: z.string().optional(),
        mtu: z.int().optional(),
        up: z.boolean(),
        users: z.array(z.string()).describe('ports that lead to it, as graph/instance.port'),
      })
      .meta({ id: 'Interface' }),
  ),
})

export const listNamespaces = route('listNamespaces', {
  role: 'viewer',
  summary: 'Network namespaces with a name',
  output: z.array(z.object({ name: z.string() }).meta({ id: 'Namespace' })),
})

export const takeDown = route('takeDown', {
  role: 'admin',
  summary: 'Remove all graphs from the host, and end the daemon; what is wanted stays known',
  output: z.object({ removed: z.array(z.string()) }).meta({ id: 'Down' }),
  errors: [422],
})

const check = z.object({ ok: z.boolean() })

export const getHealth = route('getHealth', {
  role: 'anybody',
  summary: 'Whether the daemon answers',
  output: check
    .extend({
      namespace: z
        .string()
        .optional()
        .describe('the network namespace whose interfaces are meant, for who asks by the Unix socket'),
    })
    .meta({ id: 'Health' }),
})

export const getReadiness = route('getReadiness', {
  role: 'anybody',
  summary: 'Whether everything that is wanted was looked at since the start',
  output: check
    .extend({ graphs: z.partialRecord(graphState, z.int()).describe('how many, by their state') })
    .meta({ id: 'Readiness' }),
  errors: [503],
})

export const getMetrics = route('getMetrics', {
  role: 'viewer',
  summary: 'Figures for Prometheus',
  output: z.string(),
  stream: 'text',
})

export const getDescription = route('getDescription', {
  role: 'viewer',
  summary: 'This description (OpenAPI 3.1)',
  output: z.record(z.string(), z.unknown()),
})
