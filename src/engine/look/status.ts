/** What runs, for people: each port's counters, and the views of control planes. */
import { basename } from 'node:path'
import type { Machine } from '../../backend/machine.ts'
import { Refusal } from '../../base/diagnostic.ts'
import { Held } from '../../base/held.ts'
import { MAP, ROW_OF } from '../../compiler/wiring.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { isActive, type View } from '../../cube/control.ts'
import { bounded } from '../../importing/bounded.ts'
import type { AttachPoint } from '../../isa/program.ts'
import { type Count, openTables, type PortCounters, readCounters } from '../control/tables.ts'
import { type Instance, interfaceText, linkText, type Port } from '../graph/graph.ts'
import { isHere } from '../graph/home.ts'
import { capacityOf } from '../graph/numbering.ts'
import { linkPath, mapPath } from '../graph/paths.ts'
import { sized } from '../graph/sized.ts'
import { recordedCounters, withCounted } from '../plan/counted.ts'
import type { Running } from '../plan/records.ts'

/** What an instance looks like now. */
export interface InstanceStatus {
  readonly name: string
  readonly cube: string
  readonly summary: string
  readonly ports: readonly PortStatus[]
  readonly views: Readonly<Record<string, View>>
  /** Its control plane has something to do. */
  readonly hasControl?: boolean
  /** As whoever runs it says. */
  readonly control?: ControlState | undefined
}

/** How a control plane does. */
export interface ControlState {
  /** `absent`: nobody runs it. `waiting`: it failed, and will be started anew. */
  readonly state: 'absent' | 'starting' | 'running' | 'waiting'
  /** How often it was started anew. */
  readonly restarts: number
  /** Why it was, the last time. */
  readonly failure?: string | undefined
  /** Of one that is waiting: milliseconds between its end and the next start. */
  readonly wait?: number | undefined
}

export interface PortStatus extends PortCounters {
  readonly name: string
  /** What it leads to: `eth0`, `blue/eth0`, `host eth0`, `router.lan`, `nothing`. A transparent cube has a row for each direction. */
  readonly to: string
  /**
   * Whether packets flow: the program is on the interface, and the interface is up; always, where none is needed. `elsewhere`: the
   * interface is in another network namespace, and so is whoever can say.
   */
  readonly state: 'up' | 'down' | 'detached' | 'elsewhere'
}

export interface GraphStatus {
  readonly name: string
  readonly state: Running['state']
  readonly file: string
  readonly point: AttachPoint
  /** Its interfaces are those of another network namespace. */
  readonly isElsewhere?: true
  readonly instances: readonly InstanceStatus[]
}

/** Of a transparent cube: all that it has not kept; nobody counts what goes on. */
function wentOn({ received, drops, punts }: PortCounters): Count {
  const kept = [...Object.values(drops), ...Object.values(punts)]
  return kept.reduce(
    (rest, { packets, bytes }) => ({ packets: rest.packets - packets, bytes: rest.bytes - bytes }),
    received,
  )
}

const NOTHING: PortCounters = {
  received: { packets: 0n, bytes: 0n },
  sent: { packets: 0n, bytes: 0n },
  drops: {},
  lost: {},
  punts: {},
}

/** Of a cube that cannot be read, as its instance looks. */
const isTransparent = ({ ports }: Instance, folder: CubeFolder | Refusal): boolean =>
  folder instanceof Refusal ? ports.length === 0 : folder.cube.shape === 'transparent'

/** What was counted at each port of an instance, as long as the graph is there; of a transparent cube, in each direction. */
export function instanceCounters(
  machine: Machine,
  running: Running,
  instance: Instance,
  folder: CubeFolder | Refusal,
): readonly (PortCounters & { readonly name: string })[] {
  const { graph, numbering, counted } = running
  const { name, ports } = instance
  const numbers = numbering[name] ?? { ids: {}, next: 0 }
  const path = mapPath(graph.name, name, MAP.counters)
  const now = () =>
    folder instanceof Refusal
      ? () => NOTHING
      : readCounters(machine, graph.name, name, folder.cube, capacityOf(numbers))
  const counters = recordedCounters(machine, running, path) ?? now()
  const before = counted?.[path] ?? {}
  const at = (row: number) => withCounted(counters(row), before[row])
  if (isTransparent(instance, folder))
    return Object.entries(ROW_OF).map(([direction, row]) => {
      const both = at(row)
      return { name: direction, ...both, sent: wentOn(both) }
    })
  return ports.map((port) => ({ name: port.name, ...at(numbers.ids[port.name] ?? 0) }))
}

/** One view that throws, or does not come to an end, hides nothing else. */
function shownBy(view: () => View): View {
  try {
    return bounded(view)
  } catch (error) {
    return [{ failed: String(error) }]
  }
}

/** Counters, and what the cube's control plane shows; of a cube that cannot be read, why, and the counters. */
export function instanceStatus(
  machine: Machine,
  running: Running,
  instance: Instance,
  folder: CubeFolder | Refusal,
): InstanceStatus {
  const ports = portStatuses(machine, running, instance, folder)
  if (folder instanceof Refusal) {
    const why = folder.diagnostics[0]?.message ?? folder.message
    return { name: instance.name, cube: basename(instance.cube), summary: `cannot be read: ${why}`, ports, views: {} }
  }
  const { cube, control } = folder
  return {
    name: instance.name,
    cube: cube.name,
    summary: cube.summary,
    ports,
    views: viewsOf(machine, running, instance, folder),
    ...(isActive(control) ? { hasControl: true } : {}),
  }
}

function portStatuses(
  machine: Machine,
  running: Running,
  instance: Instance,
  folder: CubeFolder | Refusal,
): readonly PortStatus[] {
  const { graph, point } = running
  const links = new Map(instance.ports.map((port) => [port.name, port]))
  const isElsewhere = !isHere(machine, running)
  const stateOf = ({ name, link }: Pick<Port, 'name' | 'link'>): PortStatus['state'] => {
    if (link === undefined || link.to === 'port') return 'up'
    if (isElsewhere) return 'elsewhere'
    const on = machine.interface(interfaceText(link))
    const at = link.to === 'host' ? 'tc egress' : point
    using attachment = machine.openAttachment(linkPath(graph.name, instance.name, name, at))
    if (on === undefined || attachment?.interface.name !== on.name) return 'detached'
    return on.up ? 'up' : 'down'
  }
  return instanceCounters(machine, running, instance, folder).map(({ name, ...counters }): PortStatus => {
    if (isTransparent(instance, folder)) return { name, to: 'what is behind it', state: 'up', ...counters }
    const link = links.get(name)?.link
    return { name, to: linkText(link), state: stateOf({ name, link }), ...counters }
  })
}

function viewsOf(
  machine: Machine,
  { graph, numbering }: Running,
  instance: Instance,
  { cube, control }: CubeFolder,
): InstanceStatus['views'] {
  const { ids } = numbering[instance.name] ?? { ids: {} }
  using held = new Held()
  const tables = openTables(machine, graph.name, instance.name, sized(cube, instance.entries), held)
  if (!Object.keys(cube.state).every((name) => name in tables)) return {}
  const context = {
    state: tables,
    config: instance.config,
    portName: (id: number) => Object.entries(ids).find(([, number]) => number === id)?.[0],
    now: () => machine.now(),
  }
  return Object.fromEntries(Object.entries(control.views).map(([title, view]) => [title, shownBy(() => view(context))]))
}
