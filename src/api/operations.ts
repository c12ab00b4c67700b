/**
 * All that can be asked of a daemon: a name, a method and a path each. What each takes and answers is in `routes/`. This list is by
 * itself because the client needs no more of it than this when it runs, and loads no schema.
 */

/** What paths are relative to, but for those outside. */
export const BASE = '/api/v1'

export const OPERATIONS = {
  listGraphs: 'GET /graphs',
  getGraph: 'GET /graphs/{graph}',
  putGraph: 'PUT /graphs/{graph}',
  patchGraph: 'PATCH /graphs/{graph}',
  deleteGraph: 'DELETE /graphs/{graph}',
  getGraphStatus: 'GET /graphs/{graph}/status',
  getCounters: 'GET /graphs/{graph}/counters',
  getDrops: 'GET /graphs/{graph}/drops',
  traceGraph: 'GET /graphs/{graph}/trace',
  captureGraph: 'GET /graphs/{graph}/capture',

  listInstances: 'GET /graphs/{graph}/instances',
  getInstance: 'GET /graphs/{graph}/instances/{instance}',
  putInstance: 'PUT /graphs/{graph}/instances/{instance}',
  patchInstance: 'PATCH /graphs/{graph}/instances/{instance}',
  deleteInstance: 'DELETE /graphs/{graph}/instances/{instance}',
  getInstanceStatus: 'GET /graphs/{graph}/instances/{instance}/status',
  getInstanceCube: 'GET /graphs/{graph}/instances/{instance}/cube',

  listPorts: 'GET /graphs/{graph}/instances/{instance}/ports',
  getPort: 'GET /graphs/{graph}/instances/{instance}/ports/{port}',
  putPort: 'PUT /graphs/{graph}/instances/{instance}/ports/{port}',
  patchPort: 'PATCH /graphs/{graph}/instances/{instance}/ports/{port}',
  deletePort: 'DELETE /graphs/{graph}/instances/{instance}/ports/{port}',

  listLinks: 'GET /graphs/{graph}/links',
  connect: 'POST /graphs/{graph}/links',
  disconnect: 'DELETE /graphs/{graph}/links/{end}',
  listAttachments: 'GET /graphs/{graph}/attachments',
  attach: 'PUT /graphs/{graph}/attachments/{instance}',
  detach: 'DELETE /graphs/{graph}/attachments/{instance}',

  listTables: 'GET /graphs/{graph}/instances/{instance}/state',
  listEntries: 'GET /graphs/{graph}/instances/{instance}/state/{table}/entries',
  flushTable: 'DELETE /graphs/{graph}/instances/{instance}/state/{table}/entries',
  getEntry: 'GET /graphs/{graph}/instances/{instance}/state/{table}/entries/{key}',
  putEntry: 'PUT /graphs/{graph}/instances/{instance}/state/{table}/entries/{key}',
  deleteEntry: 'DELETE /graphs/{graph}/instances/{instance}/state/{table}/entries/{key}',

  listCubes: 'GET /cubes',
  getCube: 'GET /cubes/{cube}',
  addCube: 'POST /cubes',
  upgradeCube: 'PUT /cubes/{cube}',
  removeCube: 'DELETE /cubes/{cube}',

  listInterfaces: 'GET /interfaces',
  listNamespaces: 'GET /namespaces',
  watchEvents: 'GET /events',
  listOperations: 'GET /operations',
  getOperation: 'GET /operations/{operation}',
  takeDown: 'POST /down',
  getDescription: 'GET /openapi.json',
} as const satisfies Readonly<Record<string, Line>>

/** Not below {@link BASE}: for those who look after processes. */
export const OUTSIDE = {
  getHealth: 'GET /healthz',
  getReadiness: 'GET /readyz',
  getMetrics: 'GET /metrics',
} as const satisfies Readonly<Record<string, Line>>

export type Method = 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE'
type Line = `${Method} /${string}`
type Lines = typeof OPERATIONS & typeof OUTSIDE

export type OperationId = keyof Lines
export type PathOf<Id extends OperationId> = Lines[Id] extends `${string} ${infer Path}` ? Path : never

/** The names in the braces of a path. */
export type Placeholders<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

/** Where an operation is: its method, and its whole path with braces. */
export function endpoint(id: OperationId): { readonly method: Method; readonly path: string } {
  const [line, base] = isOutside(id) ? [OUTSIDE[id], ''] : [OPERATIONS[id], BASE]
  const space = line.indexOf(' ')
  return { method: line.slice(0, space) as Method, path: base + line.slice(space + 1) }
}

const isOutside = (id: OperationId): id is keyof typeof OUTSIDE => Object.hasOwn(OUTSIDE, id)
