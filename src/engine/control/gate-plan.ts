/**
 * How packets of control planes come into a graph: programs for every port of their instances, which begin where a packet arrives at
 * the port, or where the data plane has sent it there. They are of the TC hook, wherever the graph is attached.
 */
import { call, exit, assemble as fromSteps, mov } from '../../backend/assemble.ts'
import { mapsOf } from '../../compiler/compile.ts'
import { isLookMap } from '../../compiler/look.ts'
import { MAP } from '../../compiler/wiring.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import type { Cube } from '../../cube/define.ts'
import { REDIRECT_INGRESS } from '../../isa/opcodes.ts'
import type { Program } from '../../isa/program.ts'
import { clockPath, lookPath, mapPath } from '../graph/paths.ts'
import type { Settings } from '../graph/settings.ts'
import { type Entries, sized } from '../graph/sized.ts'
import { type AssemblyOptions, assembleTopology } from '../stitch/assemblies.ts'
import { activeOf, gateTopology } from '../stitch/gate-topology.ts'
import { gateOf } from '../stitch/own-links.ts'
import { sizesOf, withSizes } from '../stitch/stitch.ts'
import type { Injected } from './control-plane.ts'

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
  const active = activeOf(options).flatMap((instance) => {
    const folder = cubes.get(instance.cube)
    return folder === undefined ? [] : [{ instance, folder }]
  })
  const { gate, slotOf } = planGate(options)
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

function planGate(options: AssemblyOptions): { gate: GatePlan; slotOf: SlotOf } {
  const { graph, tessera, point, facts } = options
  const { nodes, entries, direct } = gateTopology(options)
  // Copies go to the array of the graph (stitch.ts).
  const compiled = assembleTopology({ ...options, point: 'tc ingress' }, { nodes, entries }, 'others')
  const programs: Program[] = []
  const sizes = sizesOf(graph, options.sources)
  const slots = new Map<string, number>()
  const add = (key: string, program: Program): void => void slots.set(key, programs.push(withSizes(program, sizes)) - 1)
  for (const { entry, program } of compiled.entries) {
    const direction = nodes.get(entry.node)?.sends === undefined ? 'ingress' : 'egress'
    add(`${entry.instance}.${entry.port} ${direction}`, program)
  }
  for (const { instance, port } of direct) {
    const { link } = port
    if (link === undefined || link.to === 'port') continue
    const isIngress = link.to === 'interface' && point === 'tc ingress'
    const program = redirecting(facts(link).index, isIngress ? REDIRECT_INGRESS : 0)
    add(`${instance}.${port.name} ingress`, program)
  }
  const pathOf = (map: string): string => {
    if (isLookMap(map)) return lookPath(graph.name, map)
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

/** `return redirect(ifindex, flags)` */
const redirecting = (ifindex: number, flags: number): Program =>
  fromSteps('arrives', 'tc', [mov('r1', ifindex), mov('r2', flags), call('redirect'), exit])
