/** The programs of a graph, compiled: those of its entries, and those that they go over to. */

import { refusal } from '../../base/diagnostic.ts'
import { lazy } from '../../base/lazy.ts'
import type { Assembly, Copy, Node, Way } from '../../compiler/assembly.ts'
import type { DataPlaneSource } from '../../compiler/compile.ts'
import { Excess } from '../../compiler/excess.ts'
import type { Look } from '../../compiler/look.ts'
import { type Generation, MOST_SLOTS, markOf } from '../../compiler/marked.ts'
import { ROW_OF } from '../../compiler/wiring.ts'
import { type AttachPoint, hookAt, type Program } from '../../isa/program.ts'
import { type Graph, type InterfaceName, interfaceText } from '../graph/graph.ts'
import type { Destination, GraphEntry, MetNode, NodeName, Topology } from '../graph/nodes.ts'
import { capacityOf, type Numbering } from '../graph/numbering.ts'
import { copiesAt } from './copies.ts'
import { type Cuts, cut, type NodeNumbers, type PlannedProgram, type Side, type Sides } from './cuts.ts'
import { deviceOf } from './own-links.ts'
import { entryOwner, nodeOwner, type Owner, owned, RefusedPart } from './owner.ts'
import { assembleOnce } from './programs.ts'

/** What has to be known of an interface to send there. */
export interface InterfaceFacts {
  /** In the network namespace of the engine. */
  readonly name: string
  readonly index: number
  /** It is one end of a pair, whose other end is in another network namespace and takes packets at once (Linux 5.10). */
  readonly peer?: boolean
}

export interface AssemblyOptions {
  readonly graph: Graph
  readonly numbering: Numbering
  /** The data plane of each cube, by the name that the graph uses. */
  readonly sources: ReadonlyMap<string, DataPlaneSource>
  readonly facts: (name: InterfaceName) => InterfaceFacts
  /** Where programs are of ports that lead to interfaces. */
  readonly point: AttachPoint
  readonly clock: 'kernel' | 'cell'
  /** {@link Machine.tessera} */
  readonly tessera: string
  /** What somebody wants to see of it. */
  readonly look?: Look | undefined
  /** As {@link Assembly.comparisons}. */
  readonly comparisons?: Assembly['comparisons']
  /** How many there can be. */
  readonly cpus: number
  /** Which marks its copies have. */
  readonly generation: Generation
  /** Numbers that nodes have already. */
  readonly nodes?: NodeNumbers | undefined
  /** Instances whose control planes may send packets. */
  readonly active?: ReadonlySet<string> | undefined
  /** Slots that copies of such packets are for. */
  readonly copied?: Iterable<number> | undefined
  /** Where the graph had ports before. */
  readonly past?: Ends | undefined
  /** Hears of each program when it is made. */
  readonly made?: ((program: Program) => void) | undefined
}

/** Interfaces that ports lead to, and those whose stack they lead to. */
export interface Ends {
  readonly wires: readonly string[]
  readonly hosts: readonly string[]
}

/** What a graph had, and has no more. */
export function pastOf(
  graph: Graph,
  before: { readonly graph: Graph; readonly past?: Ends | undefined },
): Ends | undefined {
  const [then, now] = [endsOf(before.graph, before.past), endsOf(graph)]
  const without = (ends: readonly string[], those: ReadonlySet<string>) => ends.filter((end) => !those.has(end))
  const wires = without(then.wires, new Set(now.wires))
  const hosts = without(then.hosts, new Set(now.hosts))
  return wires.length + hosts.length === 0 ? undefined : { wires, hosts }
}

/** Of a graph, and of what it was before. */
function endsOf({ instances }: Graph, past: Ends = { wires: [], hosts: [] }): Ends {
  const links = instances.flatMap(({ ports }) => ports.flatMap(({ link }) => link ?? []))
  const wires = links.flatMap((link) => (link.to === 'interface' ? [interfaceText(link)] : []))
  const hosts = links.flatMap((link) => (link.to === 'host' ? [link.interface] : []))
  return { wires: [...new Set([...past.wires, ...wires])], hosts: [...new Set([...past.hosts, ...hosts])] }
}

export interface GraphPrograms {
  readonly entries: readonly (OwnProgram & { readonly entry: GraphEntry })[]
  /** Those that others go over to, or make copies for, by their slots. */
  readonly slots: ReadonlyMap<number, OwnProgram>
  readonly numbers: NodeNumbers
  readonly sides: Sides
  /** Slots that there could be. */
  readonly size: number
  /** Slots that copies are for: see copies.ts. */
  readonly copies: ReadonlySet<number>
}

export interface OwnProgram {
  readonly program: Program
  readonly owner: Owner
  readonly side: Side
  readonly passesMarked: boolean
  /** The first one is where packets come in. */
  readonly nodes: readonly NodeName[]
}

/** Programs for copies are those of these programs, or of others. */
export type CopiesFor = 'own' | 'others'

/** Compiles what packets meet. What turns out to be too much for a program is cut in two, until it fits. */
export function assembleTopology(options: AssemblyOptions, met: Topology, copiesFor: CopiesFor = 'own'): GraphPrograms {
  const apart = new Set<NodeName>()
  for (;;) {
    const maker = new Assembler(options, met, apart)
    try {
      return maker.all(copiesFor)
    } catch (error) {
      const isExcess = error instanceof RefusedPart && error.cause instanceof Excess
      if (!isExcess || !maker.divide()) throw error
    }
  }
}

/** Instructions of a data plane, about, by the length of its text: the median of fifty (docs/architecture.md). */
const CHARACTERS_EACH = 6

/** Of a packet. In a graph without rings, no more come of one than there are slots. */
const LEAST_COPIES = 1024

/** Whether some interface takes at once what has arrived elsewhere. */
const hasPeers = ({ graph, point, facts }: AssemblyOptions): boolean =>
  hookAt(point) === 'tc' &&
  graph.instances.some(({ ports }) => ports.some(({ link }) => link?.to === 'interface' && facts(link).peer === true))

class Assembler {
  private readonly options: AssemblyOptions
  private readonly met: Topology
  private readonly apart: Set<NodeName>
  private readonly cuts: Cuts
  private readonly hosts: ReadonlySet<string>
  /** Packets that programs of before have marked may be on their way. */
  private readonly marked: Ends
  private current: PlannedProgram | undefined
  private readonly sides: Sides
  /** What copies leave by. */
  private readonly device = lazy(() => {
    const { graph, tessera, facts } = this.options
    return facts({ interface: deviceOf(graph.name, tessera) })
  })

  constructor(options: AssemblyOptions, met: Topology, apart: Set<NodeName>) {
    this.options = options
    this.met = met
    this.apart = apart
    this.hosts = new Set(endsOf(options.graph).hosts)
    this.marked = endsOf(options.graph, options.past)
    this.sides = hasPeers(options) ? 'both' : 'one'
    this.cuts = cut(met, { sizeOf: (node) => this.sizeOf(node), apart, numbers: options.nodes, sides: this.sides })
  }

  all(copiesFor: CopiesFor): GraphPrograms {
    const { cuts, sides } = this
    const copies = new Set(this.options.copied)
    const wanted = [...copies]
    const follow = ({ program }: OwnProgram): void => {
      wanted.push(...(program.slots ?? []))
      for (const slot of program.copies ?? []) copies.add(slot)
      if (copiesFor === 'own') wanted.push(...(program.copies ?? []))
    }
    const entries = cuts.entries.flatMap((planned) => {
      if ('slot' in planned.from) return []
      const made = this.compile(planned)
      follow(made)
      return [{ entry: planned.from, ...made }]
    })
    const slots = new Map<number, OwnProgram>()
    for (const slot of wanted) {
      const planned = cuts.at(slot)
      if (planned === undefined || slots.has(slot)) continue
      const made = this.compile(planned)
      slots.set(slot, made)
      follow(made)
    }
    return { entries, slots, numbers: cuts.numbers, sides, size: cuts.size, copies }
  }

  /** Has the second half of the program that was too much in one of its own. False where it is one node. */
  divide(): boolean {
    const nodes = this.current?.nodes ?? []
    const total = nodes.reduce((sum, node) => sum + this.sizeOf(node), 0)
    let before = 0
    const half = nodes.findIndex((node) => {
      before += this.sizeOf(node)
      return before * 2 >= total
    })
    const first = nodes[Math.min(half + 1, nodes.length - 1)]
    if (nodes.length < 2 || first === undefined || this.apart.has(first)) return false
    this.apart.add(first)
    return true
  }

  private compile(planned: PlannedProgram): OwnProgram {
    this.current = planned
    const { from, nodes } = planned
    const { point, clock, cpus, look, comparisons } = this.options
    const places = new Map(nodes.map((node, place) => [node, place]))
    const passesMarked = this.passesMarked(planned)
    const { size: slots } = this.cuts
    const common = {
      clock,
      cpus,
      slots,
      look,
      comparisons,
      direction: 'slot' in from || planned.side === 'arriving' ? 'ingress' : 'egress',
    } as const
    const assembly: Assembly = {
      ...common,
      name: nameOf(this.met.nodes.get(nodes[0] ?? '')),
      ...(passesMarked ? { passesMarked } : {}),
      ...('slot' in from ? { isNext: true } : {}),
      hook: 'slot' in from ? hookAt(point) : hookAt(from.point),
      nodes: nodes.map((node, place) => this.node(planned, node, place, places)),
    }
    const owner = this.ownerOf(planned)
    const program = owned(owner, () => assembleOnce(assembly))
    this.options.made?.(program)
    return { owner, side: planned.side, nodes, passesMarked, program }
  }

  private ownerOf({ from, nodes }: PlannedProgram): Owner {
    const met = nodes.flatMap((name) => this.met.nodes.get(name) ?? [])
    const instances = [...new Set(met.map(({ instance }) => instance.name))]
    const [first] = met
    if (first === undefined) throw new Error('there is a program for nothing')
    return 'slot' in from ? nodeOwner(first, instances) : entryOwner(from, instances)
  }

  /** Whether other programs send packets to where this one is, which it must not have again. */
  private passesMarked({ from }: PlannedProgram): boolean {
    if ('slot' in from) return false
    const { point, on } = from
    return point === 'tc ingress'
      ? this.marked.hosts.includes(interfaceText(on))
      : point === 'tc egress' && point !== this.options.point && this.marked.wires.includes(interfaceText(on))
  }

  private node(planned: PlannedProgram, name: NodeName, place: number, places: ReadonlyMap<NodeName, number>): Node {
    const met = this.met.nodes.get(name)
    const source = this.options.sources.get(met?.instance.cube ?? '')
    if (met === undefined || source === undefined) throw new Error(`there is no node ${name}`)
    const { instance, port, sends, direction, ways } = met
    const numbers = this.options.numbering[instance.name] ?? { ids: {}, next: 0 }
    const copied = hookAt(this.options.point) === 'tc' && copiesAt(met, source)
    const numberOf = (one: string): number => (direction === undefined ? (numbers.ids[one] ?? 0) : ROW_OF[direction])
    return {
      source,
      instance: instance.name,
      config: instance.config,
      ...(port === undefined ? {} : { port: { id: numberOf(port.name), config: port.config } }),
      ...(sends === undefined ? {} : { sends: numberOf(sends) }),
      ...(direction === undefined ? {} : { direction }),
      capacity: capacityOf(numbers),
      ways: ways.map((way): Way => {
        const to = this.destination(planned, way.leads, place, places)
        const isCopied = copied && way.port !== port?.name && way.leads.to === 'node'
        const copy = isCopied ? { copy: this.copyTo(way.leads.node) } : {}
        return { port: numberOf(way.port), ...to, ...copy }
      }),
    }
  }

  private copyTo(node: NodeName): Copy {
    const slot = this.cuts.slotOf('leaving', node)
    if (slot >= MOST_SLOTS)
      throw refusal('a graph with floods to several cubes has at most 32,000 ports', 'make two graphs of it')
    const most = Math.max(LEAST_COPIES, this.cuts.size)
    return { ifindex: this.device().index, mark: markOf(this.options.generation, slot), most }
  }

  private destination(
    { from, side }: PlannedProgram,
    leads: Destination,
    place: number,
    places: ReadonlyMap<NodeName, number>,
  ): DistributiveOmit<Way, 'port'> {
    switch (leads.to) {
      case 'node': {
        const at = places.get(leads.node) ?? -1
        return at > place ? { to: 'node', node: at } : { to: 'tail', slot: this.cuts.slotOf(side, leads.node) }
      }
      case 'interface': {
        const { index, peer = false } = this.options.facts(leads.on)
        // It is not there now.
        if (index === 0) return { to: 'nowhere' }
        const isPeer = peer && side === 'arriving' && hookAt(this.options.point) === 'tc'
        const marked = this.hosts.has(interfaceText(leads.on))
        return { to: 'interface', ifindex: index, ...(isPeer ? { peer: true } : {}), ...(marked ? { marked } : {}) }
      }
      case 'host': {
        const arrived = !('slot' in from) && from.point === 'tc ingress' && interfaceText(from.on) === leads.interface
        return { to: 'host', ifindex: this.options.facts(leads).index, ...(arrived ? { arrived } : {}) }
      }
      case 'on':
      case 'nowhere':
        return leads
    }
  }

  private sizeOf(node: NodeName): number {
    const source = this.options.sources.get(this.met.nodes.get(node)?.instance.cube ?? '')
    return source === undefined ? 0 : Math.ceil((source.syntax.end - source.syntax.start) / CHARACTERS_EACH)
  }
}

type DistributiveOmit<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never

/** In the kernel a name has 15 letters at most, which its loader sees to. */
const nameOf = (node: MetNode | undefined): string =>
  node === undefined ? 'graph' : `${node.instance.name}_${node.port?.name ?? node.direction}`
