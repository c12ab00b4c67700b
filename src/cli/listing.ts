/** How each kind of things is listed. */
import { type Client, ProblemError } from '../api/client.ts'
import type { Output as Answer } from '../api/routes.ts'
import { refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import type { Kind } from './kinds.ts'
import { isOtherNamespace } from './problems.ts'
import { type Rows, rowsOf } from './rows.ts'

export interface Listing extends Rows {
  /** One thing that was asked for by its name: it in whole. */
  readonly whole?: unknown
}

export type Lister = (client: Client, names: readonly string[]) => Promise<Listing>

type Graph = Answer<'listGraphs'>[number]
type Status = Answer<'getGraphStatus'>
type Port = Status['instances'][number]['ports'][number]
type Counts = Port['drops']

const sum = (counts: Counts): bigint => Object.values(counts).reduce((all, { packets }) => all + BigInt(packets), 0n)

const reasons = (counts: Counts): string =>
  Object.entries(counts)
    .map(([reason, { packets }]) => `${packets} ${reason}`)
    .join(', ')

/** The one of this name, or all. */
async function graphsOf(client: Client, name: string | undefined): Promise<readonly Graph[]> {
  const { body } = await client.listGraphs()
  if (name === undefined) return body
  const found = body.filter((graph) => graph.name === name)
  if (found.length > 0) return found
  throw refusal(
    `there is no graph ${name}`,
    suggestion(
      name,
      body.map((one) => one.name),
    ),
  )
}

/** Of each graph that is asked for. A graph that is gone meanwhile has nothing. */
export async function ofGraphs<T>(
  client: Client,
  name: string | undefined,
  ask: (graph: string) => Promise<readonly T[]>,
): Promise<T[]> {
  const all: T[] = []
  for (const { name: graph } of await graphsOf(client, name)) {
    try {
      all.push(...(await ask(graph)))
    } catch (error) {
      if (name !== undefined || !(error instanceof ProblemError) || error.problem.status !== 404) throw error
    }
  }
  return all
}

/** Those of this name, where one is given. */
function named<T>(rows: readonly T[], what: string, name: string | undefined, of: (row: T) => string): readonly T[] {
  if (name === undefined) return rows
  const found = rows.filter((row) => of(row) === name)
  if (found.length > 0) return found
  throw refusal(`there is no ${what} ${name}`, suggestion(name, new Set(rows.map(of))))
}

const listGraphs: Lister = async (client, [name]) => ({
  ...rowsOf(await graphsOf(client, name), 'there is no graph: tessera apply -f FILE makes one', [
    { head: 'name', cell: (row) => row.name },
    { head: 'state', cell: (row) => row.state },
    { head: 'instances', cell: (row) => row.instances },
    { head: 'ports', cell: (row) => row.ports },
    { head: 'revision', cell: (row) => row.revision ?? '' },
    { head: 'reason', cell: (row) => row.reason ?? '', wide: true },
  ]),
  ...(name === undefined ? {} : { whole: (await client.getGraph({ graph: name })).body }),
})

const listInstances: Lister = async (client, [graph, instance]) => {
  const all = await ofGraphs(client, graph, async (graph) =>
    Object.entries((await client.listInstances({ graph })).body).map(([name, document]) => ({
      graph,
      name,
      cube: document.cube,
      config: document.config,
      ports: Object.keys(document.ports ?? {}).length,
      document,
    })),
  )
  const found = named(all, 'instance', instance, ({ name }) => name)
  const rows = found.map(({ document: _, ...row }) => row)
  return {
    ...rowsOf(rows, 'there is no instance', [
      { head: 'graph', cell: (row) => row.graph },
      { head: 'name', cell: (row) => row.name },
      { head: 'cube', cell: (row) => row.cube },
      { head: 'ports', cell: (row) => row.ports },
      { head: 'config', cell: (row) => (row.config === undefined ? '' : JSON.stringify(row.config)), wide: true },
    ]),
    ...(instance === undefined ? {} : { whole: found[0]?.document }),
  }
}

const listPorts: Lister = async (client, [graph, instance, port]) => {
  const all = await ofGraphs(client, graph, async (graph) => {
    const { instances } = (await client.getGraphStatus({ graph })).body
    return instances.flatMap(({ name: instance, ports }) => ports.map((port) => ({ graph, instance, ...port })))
  })
  const some = named(all, 'instance', instance, (row) => row.instance)
  const rows = named(some, 'port', port, (row) => row.name)
  return rowsOf(rows, 'there is no port', [
    { head: 'graph', cell: (row) => row.graph },
    { head: 'port', cell: (row) => `${row.instance}.${row.name}` },
    { head: 'leads to', cell: (row) => row.to },
    { head: 'state', cell: (row) => row.state },
    { head: 'received', cell: (row) => BigInt(row.received.packets) },
    { head: 'sent', cell: (row) => BigInt(row.sent.packets) },
    { head: 'dropped', cell: (row) => sum(row.drops) },
    { head: 'received bytes', cell: (row) => BigInt(row.received.bytes), wide: true },
    { head: 'sent bytes', cell: (row) => BigInt(row.sent.bytes), wide: true },
    { head: 'why dropped', cell: (row) => reasons(row.drops), wide: true },
    { head: 'punted', cell: (row) => sum(row.punts), wide: true },
    { head: 'lost', cell: (row) => sum(row.lost), wide: true },
  ])
}

const listLinks: Lister = async (client, [graph]) => {
  const rows = await ofGraphs(client, graph, async (graph) =>
    (await client.listLinks({ graph })).body.map((link) => ({ graph, ...link })),
  )
  const other = ({ to, interface: on, namespace, host }: (typeof rows)[number]): string => {
    if (on !== undefined) return namespace === undefined ? on : `${namespace}/${on}`
    return host === undefined ? (to ?? 'nothing') : `host ${host}`
  }
  return rowsOf(rows, 'there is no link', [
    { head: 'graph', cell: (row) => row.graph },
    { head: 'port', cell: (row) => row.end },
    { head: 'leads to', cell: other },
  ])
}

const listAttachments: Lister = async (client, [graph]) => {
  const rows = await ofGraphs(client, graph, async (graph) =>
    (await client.listAttachments({ graph })).body.map((one) => ({ graph, ...one })),
  )
  return rowsOf(rows, 'no transparent cube is attached', [
    { head: 'graph', cell: (row) => row.graph },
    { head: 'instance', cell: (row) => row.instance },
    { head: 'at', cell: (row) => row.port ?? row.interface ?? '' },
    { head: 'position', cell: (row) => row.position },
  ])
}

const listTables: Lister = async (client, [graph, instance]) => {
  const rows = await ofGraphs(client, graph, async (graph) => {
    const all = Object.keys((await client.listInstances({ graph })).body).map((name) => ({ name }))
    const tables = []
    for (const { name } of named(all, 'instance', instance, ({ name }) => name))
      for (const table of (await client.listTables({ graph, instance: name })).body)
        tables.push({ graph, instance: name, ...table })
    return tables
  })
  const fields = (all: (typeof rows)[number]['key']) => all.map(({ name, type }) => `${name} ${type}`).join(', ')
  return rowsOf(rows, 'there is no table', [
    { head: 'graph', cell: (row) => row.graph },
    { head: 'instance', cell: (row) => row.instance },
    { head: 'table', cell: (row) => row.name },
    { head: 'kind', cell: (row) => row.kind },
    { head: 'used', cell: (row) => row.used ?? '' },
    { head: 'room', cell: (row) => row.entries },
    { head: 'writable', cell: (row) => (row.writable ? 'yes' : 'no') },
    { head: 'key', cell: (row) => fields(row.key), wide: true },
    { head: 'value', cell: (row) => fields(row.value), wide: true },
    { head: 'summary', cell: (row) => row.summary ?? '', wide: true },
  ])
}

const listDrops: Lister = async (client, [graph]) => {
  const rows = await ofGraphs(client, graph, async (graph) =>
    (await client.getDrops({ graph })).body.map((drop) => ({ graph, ...drop })),
  )
  return rowsOf(rows, 'nothing was dropped', [
    { head: 'graph', cell: (row) => row.graph },
    { head: 'port', cell: (row) => `${row.instance}.${row.port}` },
    { head: 'reason', cell: (row) => row.reason },
    { head: 'packets', cell: (row) => BigInt(row.packets) },
    { head: 'bytes', cell: (row) => BigInt(row.bytes), wide: true },
    { head: 'meaning', cell: (row) => row.meaning },
  ])
}

export const cubeRows = (rows: readonly Answer<'listCubes'>[number][]): Rows =>
  rowsOf(rows, 'there is no cube', [
    { head: 'name', cell: (row) => row.name },
    { head: 'shape', cell: (row) => row.shape },
    { head: 'origin', cell: (row) => row.origin },
    { head: 'folder', cell: (row) => row.folder, wide: true },
    { head: 'summary', cell: (row) => row.summary },
  ])

const listCubes: Lister = async (client, [name]) => ({
  ...cubeRows(named((await client.listCubes()).body, 'cube', name, (row) => row.name)),
  ...(name === undefined ? {} : { whole: (await client.getCube({ cube: name })).body }),
})

const listInterfaces: Lister = async (client, [name]) => {
  const rows = named((await client.listInterfaces()).body, 'interface', name, (row) => row.name)
  const { namespace } = (await client.getHealth()).body
  const note = isOtherNamespace(namespace)
    ? 'these are the interfaces of the network namespace that the daemon is in, which is another one than here'
    : undefined
  const listed = rowsOf(rows, 'there is no interface', [
    { head: 'name', cell: (row) => row.name },
    { head: 'state', cell: (row) => (row.up ? 'up' : 'down') },
    { head: 'mac', cell: (row) => row.mac ?? '' },
    { head: 'mtu', cell: (row) => row.mtu ?? '' },
    { head: 'index', cell: (row) => row.index, wide: true },
    { head: 'ports', cell: (row) => row.users.join(', ') },
  ])
  return { ...listed, note }
}

const listNamespaces: Lister = async (client) => {
  const rows = (await client.listNamespaces()).body
  return rowsOf(rows, 'no network namespace has a name', [{ head: 'name', cell: (row) => row.name }])
}

const listOperations: Lister = async (client, [graph]) => {
  const { operations: rows } = (await client.listOperations(graph === undefined ? {} : { graph })).body
  return rowsOf(rows, 'nothing was changed', [
    { head: 'time', cell: (row) => row.time },
    { head: 'who', cell: (row) => row.who },
    { head: 'what', cell: (row) => row.what },
    { head: 'target', cell: (row) => row.target },
    { head: 'status', cell: (row) => row.status },
    { head: 'id', cell: (row) => row.id, wide: true },
    { head: 'from', cell: (row) => row.from ?? '', wide: true },
    { head: 'to', cell: (row) => row.to ?? '', wide: true },
    { head: 'detail', cell: (row) => row.detail ?? '', wide: true },
  ])
}

export const LISTERS: Readonly<Record<Kind, Lister>> = {
  graphs: listGraphs,
  instances: listInstances,
  ports: listPorts,
  links: listLinks,
  attachments: listAttachments,
  tables: listTables,
  drops: listDrops,
  cubes: listCubes,
  interfaces: listInterfaces,
  namespaces: listNamespaces,
  operations: listOperations,
}
