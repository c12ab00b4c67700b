/** Graph → plan: what shall be compiled and pinned, and how to get there from what is. Nothing is changed, but for a graph's own interface. */
import { resolve } from 'node:path'
import type { Interface } from '../../backend/machine.ts'
import { Refusal, refusal } from '../../base/diagnostic.ts'
import { lazy } from '../../base/lazy.ts'
import type { Comparisons } from '../../compiler/assembly.ts'
import type { Generation } from '../../compiler/marked.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { isActive } from '../../cube/control.ts'
import { type AttachPoint, hookAt } from '../../isa/program.ts'
import { type Graph, type GraphFile, type Instance, type InterfaceName, interfaceText } from '../graph/graph.ts'
import { isHere } from '../graph/home.ts'
import { topology } from '../graph/nodes.ts'
import { type Numbering, numberPorts } from '../graph/numbering.ts'
import { isLinkPath } from '../graph/paths.ts'
import { interfacesOf } from '../graph/ports.ts'
import { type AssemblyOptions, type InterfaceFacts, pastOf } from '../stitch/assemblies.ts'
import type { Beginning } from '../stitch/beginning.ts'
import { copiesPath } from '../stitch/copies.ts'
import { fingerprint } from '../stitch/fingerprint.ts'
import { deviceOf } from '../stitch/own-links.ts'
import { nothing, stitch, type Wanted } from '../stitch/stitch.ts'
import { slotsOf } from './counted.ts'
import { sourceOf, versionsOf } from './cubes.ts'
import { gonePorts } from './gone-ports.ts'
import { madeOf } from './made.ts'
import type { Conversions } from './migrate.ts'
import { checkInterfaces, there, unsupported } from './on-host.ts'
import { type EngineParts, measured } from './parts.ts'
import { type Action, observe, plan } from './plan.ts'
import { mustBeOfThisVersion, type Running, recordedMap, recordMaps, VERSION } from './records.ts'
import { keepState } from './state.ts'
import { placeOf } from './switches.ts'

/** A change that has been worked out and not begun. */
export interface Change {
  readonly running: Running
  readonly wanted: Wanted
  readonly actions: readonly Action[]
  readonly conversions: Conversions
}

/** How the programs of a graph are compiled, besides what its file says. */
export type Making = Pick<AssemblyOptions, 'look'> & {
  readonly comparisons?: Comparisons | undefined
  /** The graph's own interface is made where programs want its number. */
  readonly createsDevice?: boolean
  /** Begins to make what a graph will have that has nothing yet. */
  readonly beginning?: Beginning
  /** Interfaces that are not there, or have a program of somebody else, are left out. */
  readonly late?: boolean
}

/** A graph file, on what runs. */
interface Aim {
  readonly file: GraphFile
  readonly before: Running | undefined
  readonly point: AttachPoint
  /** Gives what of it is to be on this host. */
  readonly narrow: (wanted: Wanted) => Wanted
  readonly making: Making
}

/** Works out changes of one machine's graphs. */
export class Planner {
  private readonly parts: EngineParts

  constructor(parts: EngineParts) {
    this.parts = parts
  }

  /** Works out how to get from what runs to `file`. A Refusal names every reason why it cannot be. */
  async planAs(file: GraphFile, making: Making): Promise<Change> {
    const { machine, records } = this.parts
    const { graph } = file
    mustBeOfThisVersion(records)
    const before = this.before(graph.name)
    const point = this.pointOf(graph)
    const wrong = [...unsupported(file, point), ...checkInterfaces(machine, records, file, point, making.late)]
    if (wrong.length > 0) throw new Refusal(wrong)
    const narrow = (wanted: Wanted) => (making.late === true ? this.present(wanted) : wanted)
    return this.planFor({ file, before, point, narrow, making })
  }

  /** What runs by this name. A Refusal where that is on interfaces of another network namespace, unless these are gone. */
  before(name: string): Running | undefined {
    const { machine, records } = this.parts
    const found = records.read(name)
    if (found === undefined || isHere(machine, found)) return found
    // The pins of attachments whose interfaces are gone go when somebody looks.
    observe(machine, nothing(name))
    if (!machine.pinned(name).some(isLinkPath)) return found
    throw refusal(
      `there is a graph ${name} already, on interfaces of another network namespace (${found.namespace})`,
      `give this one another name, or run tessera delete ${name} first`,
    )
  }

  async planFor(aim: Aim): Promise<Change> {
    const generation = aim.before?.generation ?? 0
    const made = await this.planOf(generation, aim)
    // Whose copies are on their way needs what hands them out.
    const isOvertaken = made.actions.some(
      (action) => action.do === 'replace' && action.path === copiesPath(aim.file.graph.name, generation),
    )
    return isOvertaken ? this.planOf(generation === 0 ? 1 : 0, aim) : made
  }

  private async planOf(generation: Generation, aim: Aim): Promise<Change> {
    const { file, before, point, narrow, making } = aim
    const numbering = numberPorts(file.graph, before?.numbering, before?.graph)
    const { createsDevice } = making
    const options = await this.stitching(file.graph, numbering, point, file.cubes, generation, before, createsDevice)
    const { machine } = this.parts
    return machine.inBulk(() => {
      const { beginning, ...how } = making
      const isNew = before === undefined && machine.pinned(file.graph.name).length === 0
      const begin = isNew ? beginning : undefined
      const wanted = narrow(measured(this.parts, 'compile', () => stitch({ ...options, ...how }, begin)))
      return this.planTo(wanted, aim, options)
    })
  }

  /** How to get from what is there to what shall be pinned. */
  private planTo(
    wanted: Wanted,
    { file, before, making }: Aim,
    { numbering, point, generation, past }: AssemblyOptions,
  ): Change {
    const { machine } = this.parts
    const { graph } = file
    // Of a change that was not finished, nobody knows which programs are the old ones.
    const known = before?.state === 'applied' ? before : undefined
    const { programs, structure } = known ?? {}
    const met = known &&
      structure && { structure, hook: hookAt(known.point), topology: topology(known.graph, known.point) }
    const recorded = (path: string) => recordedMap(before, path)
    const slots = slotsOf(graph, file.cubes)
    const recordedSlots = before?.slots ?? {}
    const found = observe(machine, wanted, recorded)
    const isRenamed = (path: string) => path in recordedSlots && String(recordedSlots[path]) !== String(slots[path])
    const seen = { ...found, sameMaps: new Set([...found.sameMaps].filter((path) => !isRenamed(path))) }
    const changed = seen.paths.filter((path) => path in wanted.maps && !seen.sameMaps.has(path))
    const { kept, conversions, diagnostics } = keepState(file, changed, recorded)
    if (diagnostics.length > 0) throw new Refusal(diagnostics)
    const counters = changed.flatMap((path) => {
      const [from, slots] = [recorded(path), recordedSlots[path]]
      return from === undefined || slots === undefined ? [] : [{ path, from, slots }]
    })
    const gone = gonePorts(file, before?.numbering, numbering)
    const made = madeOf(this.parts, graph, file.cubes)
    const cubes = versionsOf(file.cubes)
    const fingerprints = Object.entries(wanted.attachments).map(([path, { program }]) => [path, fingerprint(program)])
    const running: Running = {
      version: VERSION,
      state: 'applied',
      file: resolve(file.file),
      namespace: machine.namespace,
      graph,
      numbering,
      point,
      programs: Object.fromEntries(fingerprints) as Record<string, string>,
      maps: recordMaps(wanted.maps),
      ...(making.look === undefined ? {} : { look: making.look }),
      ...(making.comparisons === undefined ? {} : { comparisons: making.comparisons }),
      ...(made === undefined ? {} : { made }),
      ...(Object.keys(cubes).length === 0 ? {} : { cubes }),
      ...(wanted.met === undefined ? {} : { structure: wanted.met.structure }),
      ...(generation === 0 ? {} : { generation }),
      ...(past === undefined ? {} : { past }),
      slots,
      counted: Object.fromEntries(Object.entries(before?.counted ?? {}).filter(([path]) => path in wanted.maps)),
    }
    return { running, wanted, actions: plan({ ...seen, programs, met, kept, counters, gone }, wanted), conversions }
  }

  /** What of it is on interfaces that are there and nobody else's, or that it has already: whoever came beside it takes none away. */
  present(wanted: Wanted): Wanted {
    const { machine } = this.parts
    return machine.inBulk(() => {
      const had = lazy(() => new Set([...observe(machine, nothing(wanted.graph)).attachments.values()].map(placeOf)))
      const isFree = (on: string, point: AttachPoint): boolean => {
        const target = machine.interface(on)
        if (target === undefined) return false
        return machine.foreign(target, point).length === 0 || had().has(placeOf({ index: target.index, point }))
      }
      return onInterfaces(wanted, isFree)
    })
  }

  /** All programs of a graph go to points of one kind: what one of them redirects, another one's interface must take. */
  pointOf(graph: Graph): AttachPoint {
    const { machine, at = 'tc ingress' } = this.parts
    const { attach = at } = graph
    if (attach !== 'xdp') return attach
    return machine.xdpPoint(interfacesOf(graph).flatMap((one) => there(machine, one) ?? []))
  }

  /** What shall be compiled for a graph. */
  async stitching(
    graph: Graph,
    numbering: Numbering,
    point: AttachPoint,
    cubes: ReadonlyMap<string, CubeFolder>,
    generation: Generation,
    before: Running | undefined,
    createsDevice = false,
  ): Promise<AssemblyOptions> {
    const { machine, clock = 'kernel' } = this.parts
    const sources = new Map<string, Awaited<ReturnType<typeof sourceOf>>>()
    for (const [name, folder] of cubes) sources.set(name, await sourceOf(folder))
    const known = new Map<string, InterfaceFacts>()
    const { tessera } = machine
    const device = deviceOf(graph.name, tessera)
    const find = (text: string) =>
      createsDevice && text === device ? machine.createDevice(device) : machine.interface(text)
    const facts = (name: InterfaceName): InterfaceFacts => {
      const text = interfaceText(name)
      const found = known.get(text) ?? factsOf(name, find(text))
      known.set(text, found)
      return found
    }
    const nodes = new Map(Object.entries(before?.structure?.numbers ?? {}))
    const past = before && pastOf(graph, before)
    const isPlaneOf = ({ cube }: Instance) => {
      const folder = cubes.get(cube)
      return folder !== undefined && isActive(folder.control)
    }
    const active = new Set(graph.instances.filter(isPlaneOf).map(({ name }) => name))
    return {
      graph,
      numbering,
      sources,
      facts,
      point,
      clock,
      tessera,
      cpus: machine.cpus,
      generation,
      nodes,
      past,
      active,
    }
  }
}

const factsOf = (name: InterfaceName, found: Interface | undefined): InterfaceFacts => ({
  name: found?.name ?? interfaceText(name),
  index: found?.index ?? 0,
  peer: name.namespace !== undefined,
})

const onInterfaces = (wanted: Wanted, can: (name: string, point: AttachPoint) => boolean): Wanted => ({
  ...wanted,
  attachments: Object.fromEntries(
    Object.entries(wanted.attachments).filter(([, { interface: on, point }]) => can(on, point)),
  ),
})
