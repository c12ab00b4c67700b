/**
 * How packets of control planes come into a graph: programs for every port of their instances, which begin where a packet arrives at
 * the port, or where the data plane has sent it there. They are of the TC hook, wherever the graph is attached.
 */
import { call, exit, assemble as fromSteps, mov } from '../backend/assemble.ts'
import { mapsOf } from '../compiler/compile.ts'
import { MAP } from '../compiler/wiring.ts'
import type { CubeFolder } from '../cube/catalogue.ts'
import { isActive } from '../cube/control.ts'
import type { Cube } from '../cube/define.ts'
import { REDIRECT_INGRESS } from '../isa/opcodes.ts'
import { hookAt, type Program } from '../isa/program.ts'
import { type AssemblyOptions, assembleTopology } from './assemblies.ts'
import type { Injected } from './control-plane.ts'
import type { Instance, Port } from './graph.ts'
import { arriving, type GraphEntry, type MetNode, type NodeName, portNode, type Topology, topology } from './nodes.ts'
import { gateOf } from './own-links.ts'
import { clockPath, mapPath } from './paths.ts'
import type { Settings } from './settings.ts'
import { type Entries, sized } from './sized.ts'
import { sizesOf, withSizes } from './stitch.ts'

/** What runs beside a graph. */
export interface GraphControl {
  readonly graph: string
  readonly gate: GatePlan
  readonly planes: readonly PlaneToRun[]
}

/** The control plane of an instance. */
export interface PlaneToRun {
  readonly graph: string
  readonly instance: string
  readonly folder: CubeFolder
  readonly config: Settings
  /** Numbers of the ports, by name. */
  readonly ports: Readonly<Record<string, number>>
  readonly slots: PortSlots
  /** Bytes of its ring. */
  readonly queue: number | undefined
  /** Of those tables of which the graph says it. */
  readonly entries: Entries | undefined
  /** Another one where its tables are others. */
  readonly schema: string
}

/** Where packets go in, by the number of a port. */
export type PortSlots = Readonly<Record<number, Readonly<Record<Injected['direction'], number>>>>

export interface GatePlan {
  /** Of the gate: the same for the same graph. */
  readonly name: string
  /** By their slots in the gate. */
  readonly entries: readonly Program[]
  /** Those that they go over to, by their slots in an array of so many. */
  readonly others: ReadonlyMap<number, Program>
  readonly size: number
  /** The path of a map that programs refer to, by the name they use. */
  pathOf(map: string): string
}

export function planControl(options: AssemblyOptions, cubes: ReadonlyMap<string, CubeFolder>): GraphControl {
  const { graph, numbering } = options
  const active = graph.instances.flatMap((instance) => {
    const folder = cubes.get(instance.cube)
    return folder !== undefined && isActive(folder.control) ? [{ instance, folder }] : []
  })
  const { gate, slotOf } = planGate(
    options,
    active.map(({ instance }) => instance),
  )
  const planes = active.map(({ instance: { name, config, queue, entries, ports: all }, folder }) => {
    const ports = numbering[name]?.ids ?? {}
    const slots = Object.fromEntries(
      all.map(({ name: port }) => [
        ports[port] ?? 0,
        { ingress: slotOf(name, port, 'ingress'), egress: slotOf(name, port, 'egress') },
      ]),
    )
    return {
      graph: graph.name,
      instance: name,
      folder,
      config,
      ports,
      slots,
      queue,
      entries,
      schema: schemaOf(sized(folder.cube, entries)),
    }
  })
  return { graph: graph.name, gate, planes }
}

const schemaOf = (cube: Cube): string => JSON.stringify([mapsOf(cube, 1), cube.punts])

type SlotOf = (instance: string, port: string, direction: Injected['direction']) => number

function planGate(options: AssemblyOptions, instances: readonly Instance[]): { gate: GatePlan; slotOf: SlotOf } {
  const { graph, tessera, point, facts } = options
  const met = topology(graph, 'tc ingress')
  const nodes = new Map(met.nodes)
  const entries: GraphEntry[] = []
  const direct = new Map<string, Program>()
  for (const instance of instances) {
    for (const port of instance.ports) {
      const entry = { instance: instance.name, port: port.name, on: NOWHERE, point: 'tc ingress' } as const
      const sent = leaving(met, instance, port)
      nodes.set(sent.name, sent)
      entries.push({ ...entry, node: sent.name })
      // At TC, what arrives at an interface meets the program that is there; the one at XDP would not be asked.
      const link = hookAt(point) === 'tc' && port.link?.to !== 'port' ? port.link : undefined
      const node = arriving(instance.name, port)
      if (link === undefined) entries.push({ ...entry, node })
      else {
        const isIngress = link.to === 'interface' && point === 'tc ingress'
        direct.set(`${instance.name}.${port.name}`, redirecting(facts(link).index, isIngress ? REDIRECT_INGRESS : 0))
      }
    }
  }
  const compiled = assembleTopology({ ...options, point: 'tc ingress' }, { nodes, entries })
  const programs: Program[] = []
  const sizes = sizesOf(graph, options.sources)
  const slots = new Map<string, number>()
  const add = (key: string, program: Program): void => void slots.set(key, programs.push(withSizes(program, sizes)) - 1)
  for (const { entry, program } of compiled.entries) {
    const direction = nodes.get(entry.node)?.sends === undefined ? 'ingress' : 'egress'
    add(`${entry.instance}.${entry.port} ${direction}`, program)
  }
  for (const [port, program] of direct) add(`${port} ingress`, program)
  const pathOf = (map: string): string => {
    const [instance = '', name = ''] = map.split('/')
    return map === MAP.clock ? clockPath(graph.name) : mapPath(graph.name, instance, name)
  }
  const gate = {
    name: gateOf(graph.name, tessera),
    entries: programs,
    others: new Map([...compiled.slots].map(([slot, { program }]) => [slot, withSizes(program, sizes)])),
    size: compiled.size,
    pathOf,
  }
  return { gate, slotOf: (instance, port, direction) => slots.get(`${instance}.${port} ${direction}`) ?? 0 }
}

/** They come from no interface. */
const NOWHERE = { interface: '' } as const

/** What the data plane has sent by a port, and nothing else. */
function leaving({ nodes }: Topology, instance: Instance, port: Port): MetNode {
  const name: NodeName = `${instance.name}.${port.name} sent`
  const ways = nodes.get(portNode(instance.name, port.name))?.ways ?? []
  return {
    name,
    instance,
    port,
    direction: undefined,
    sends: port.name,
    ways: ways.filter((way) => way.port === port.name),
  }
}

/** `return redirect(ifindex, flags)` */
const redirecting = (ifindex: number, flags: number): Program =>
  fromSteps('arrives', 'tc', [mov('r1', ifindex), mov('r2', flags), call('redirect'), exit])
