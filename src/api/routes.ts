/** Every route, by its name. */
import type { OperationId } from './operations.ts'
import type { InputOf, OutputOf, RequestOf, Route } from './route.ts'
import * as cubes from './routes/cubes.ts'
import * as graphs from './routes/graphs.ts'
import * as host from './routes/host.ts'
import * as instances from './routes/instances.ts'
import * as links from './routes/links.ts'
import * as ports from './routes/ports.ts'
import * as state from './routes/state.ts'
import * as status from './routes/status.ts'
import * as watching from './routes/watching.ts'

const { listGraphs, getGraph, putGraph, patchGraph, deleteGraph } = graphs
const { getGraphStatus, getInstanceStatus, getCounters, getDrops } = status
const { listInstances, getInstance, putInstance, patchInstance, deleteInstance, getInstanceCube } = instances
const { listPorts, getPort, putPort, patchPort, deletePort } = ports
const { listLinks, connect, disconnect, listAttachments, attach, detach } = links
const { listTables, listEntries, flushTable, getEntry, putEntry, deleteEntry } = state
const { listCubes, getCube, addCube, upgradeCube, removeCube } = cubes
const { listInterfaces, listNamespaces, takeDown, getHealth, getReadiness, getMetrics, getDescription } = host
const { traceGraph, captureGraph, watchEvents, listOperations, getOperation } = watching

export const ROUTES = {
  listGraphs,
  getGraph,
  putGraph,
  patchGraph,
  deleteGraph,
  getGraphStatus,
  getCounters,
  getDrops,
  traceGraph,
  captureGraph,
  listInstances,
  getInstance,
  putInstance,
  patchInstance,
  deleteInstance,
  getInstanceStatus,
  getInstanceCube,
  listPorts,
  getPort,
  putPort,
  patchPort,
  deletePort,
  listLinks,
  connect,
  disconnect,
  listAttachments,
  attach,
  detach,
  listTables,
  listEntries,
  flushTable,
  getEntry,
  putEntry,
  deleteEntry,
  listCubes,
  getCube,
  addCube,
  upgradeCube,
  removeCube,
  listInterfaces,
  listNamespaces,
  watchEvents,
  listOperations,
  getOperation,
  takeDown,
  getDescription,
  getHealth,
  getReadiness,
  getMetrics,
} as const satisfies { readonly [Id in OperationId]: Route & { readonly id: Id } }

export type Routes = typeof ROUTES
export type Input<Id extends OperationId> = InputOf<Routes[Id]>
export type Request<Id extends OperationId> = RequestOf<Routes[Id]>
export type Output<Id extends OperationId> = OutputOf<Routes[Id]>
