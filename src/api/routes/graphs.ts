import { z } from 'zod'
import { graphShape } from '../../cube/document.ts'
import { route } from '../route.ts'
import { dryRun, graphParams, name, revision } from '../schemas.ts'

export const graphDocument = graphShape.meta({
  id: 'Graph',
  description: 'A graph of network functions, as in a graph file.',
})

/**
 * `running`: as it is wanted. `waiting`: for what is not there yet, an interface for example. `failed`: it is not what it should be, and
 * `reason` says why. `changing`: just now. `unmanaged`: it runs, and nobody wants it: somebody applied it without the daemon.
 */
export const graphState = z.enum(['running', 'waiting', 'failed', 'changing', 'unmanaged'])

export const graphSummary = z
  .object({
    name,
    state: graphState,
    reason: z.string().optional().describe('why it is not running'),
    revision: revision.optional().describe('none where it is unmanaged'),
    instances: z.int(),
    ports: z.int(),
  })
  .meta({ id: 'GraphSummary' })

/** What a change does, or has done. */
export const change = z
  .object({
    graph: name,
    dryRun: z.boolean().describe('nothing was changed'),
    revision: revision.optional().describe('the one that there is now; none where the graph is gone'),
    actions: z.array(z.object({ do: z.string(), path: z.string(), text: z.string() })).describe('in their order'),
    lost: z.int().describe('entries of tables for which there was no room any more'),
    warnings: z.array(z.string()).describe('what is not as it should be, though the change is made'),
  })
  .meta({ id: 'Change' })

export const merge = z
  .record(z.string(), z.unknown())
  .describe('a JSON merge patch (RFC 7396): null takes a member away, lists are replaced whole')

/** What changes a graph. */
const changing = { role: 'operator', query: z.object({ dryRun }), output: change, changes: true } as const

/** What changes a part of a graph that is there. */
export const changingPart = { ...changing, errors: [404, 409, 412, 422] } as const

export const listGraphs = route('listGraphs', {
  role: 'viewer',
  summary: 'All graphs, wanted or running',
  output: z.array(graphSummary),
})

export const getGraph = route('getGraph', {
  role: 'viewer',
  summary: 'A graph, as it is wanted',
  params: graphParams,
  output: graphDocument,
  errors: [404],
})

export const putGraph = route('putGraph', {
  ...changing,
  summary: 'Apply a graph: whole, or not at all',
  params: graphParams,
  body: graphDocument,
  statuses: [200, 201],
  errors: [409, 412, 422],
})

export const patchGraph = route('patchGraph', {
  ...changing,
  summary: 'Apply a graph with some of it changed',
  params: graphParams,
  body: merge,
  errors: [404, 409, 412, 422],
})

export const deleteGraph = route('deleteGraph', {
  ...changing,
  summary: 'Remove a graph from the host, and forget about it',
  params: graphParams,
  errors: [404, 409, 412],
})
