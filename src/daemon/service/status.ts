/** How graphs do. */
import type { Output } from '../../api/routes.ts'
import { Refusal } from '../../base/diagnostic.ts'
import { dropReasons } from '../../compiler/wiring.ts'
import { toJson } from '../../cube/fields.ts'
import type { PortCounters } from '../../engine/control/tables.ts'
import { type InstanceStatus, instanceCounters, instanceStatus } from '../../engine/look/status.ts'
import type { ControlStatus } from '../control-planes.ts'
import type { Graphs } from './graphs.ts'
import type { Handlers } from './handlers.ts'
import type { Parts } from './parts.ts'
import { runningGraph, type ShownInstance, shownIn } from './running.ts'

type PortCounts = Pick<Output<'getCounters'>[number], 'received' | 'sent' | 'drops' | 'lost' | 'punts'>
type Row = Output<'getInstanceStatus'>['views'][string][number]

const countsOf = ({ received, sent, drops, lost, punts }: PortCounters): PortCounts =>
  toJson({ received, sent, drops, lost, punts }) as PortCounts

/** Larger ones than numbers of JSON are sure to hold are text. */
const cellOf = (cell: string | number | bigint): string | number =>
  typeof cell !== 'bigint' ? cell : cell <= BigInt(Number.MAX_SAFE_INTEGER) && cell >= 0n ? Number(cell) : String(cell)

function shown({ name, cube, summary, ports, views }: InstanceStatus, plane: ControlStatus | undefined) {
  const rows = Object.entries(views).map(([title, view]) => [
    title,
    view.map((row): Row => Object.fromEntries(Object.entries(row).map(([column, cell]) => [column, cellOf(cell)]))),
  ])
  return {
    name,
    cube,
    summary,
    ports: ports.map(({ name, to, state, ...counters }) => ({ name, to, state, ...countsOf(counters) })),
    views: Object.fromEntries(rows) as Record<string, Row[]>,
    ...(plane === undefined ? {} : { control: controlOf(plane) }),
  }
}

const controlOf = ({ state, restarts, failure }: ControlStatus) => ({
  state,
  restarts,
  ...(failure === undefined ? {} : { failure }),
})

export function statusHandlers(
  graphs: Graphs,
  parts: Pick<Parts, 'engine' | 'catalogue' | 'wanted' | 'machine' | 'planes'>,
) {
  const { engine, machine, planes } = parts
  const statuses = () => {
    const all = new Map(planes().map((plane) => [`${plane.graph} ${plane.instance}`, plane]))
    return ({ running, instance, folder }: ShownInstance) =>
      shown(instanceStatus(machine, running, instance, folder), all.get(`${running.graph.name} ${instance.name}`))
  }
  const instances = async (graph: string): Promise<readonly ShownInstance[]> => {
    const found = await runningGraph(parts, graph)
    return found.running.graph.instances.map(({ name }) => shownIn(found, name))
  }
  const counters = async (graph: string) =>
    (await instances(graph)).flatMap(({ running, instance, folder }) =>
      instanceCounters(machine, running, instance, folder).map((counted) => ({ instance, folder, counted })),
    )
  return {
    getGraphStatus: async ({ graph }) => {
      const summary = (await graphs.list()).find(({ name }) => name === graph)
      if (summary === undefined) await graphs.find(graph)
      const { state = 'unmanaged', revision } = summary ?? {}
      const elsewhere = engine.isElsewhere(graph) ? 'its interfaces are in another network namespace' : undefined
      const reason = summary?.reason ?? elsewhere
      const said = { ...(reason === undefined ? {} : { reason }), ...(revision === undefined ? {} : { revision }) }
      if (!engine.names().includes(graph)) return { name: graph, state, ...said, instances: [] }
      const found = await instances(graph)
      const all = machine.inBulk(() => found.map(statuses()))
      return { name: graph, state, ...said, point: engine.running(graph).point, instances: all }
    },
    getInstanceStatus: async ({ graph, instance }) => statuses()(shownIn(await runningGraph(parts, graph), instance)),
    getCounters: async ({ graph }) =>
      (await counters(graph)).map(({ instance, counted }) => ({
        instance: instance.name,
        port: counted.name,
        ...countsOf(counted),
      })),
    getDrops: async ({ graph }) =>
      (await counters(graph))
        .flatMap(({ instance, folder, counted }) =>
          Object.entries(counted.drops).map(([reason, { packets, bytes }]) => ({
            instance: instance.name,
            port: counted.name,
            reason,
            meaning: folder instanceof Refusal ? '' : (dropReasons(folder.cube)[reason] ?? ''),
            packets,
            bytes,
          })),
        )
        .sort((a, b) => Number(b.packets - a.packets))
        .map((drop) => ({ ...drop, packets: String(drop.packets), bytes: String(drop.bytes) })),
  } satisfies Partial<Handlers>
}
