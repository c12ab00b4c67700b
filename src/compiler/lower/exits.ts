/** Verdicts → what a hook understands, or other nodes of the program. Each kind of exit is built once and shared by all that lead to it. */
import type { Hook } from '../../isa/program.ts'
import { puntReasons } from '../../lang/index.ts'
import { type Assembly, type Destination, PROGRAMS, type Way } from '../assembly.ts'
import type { Builder } from '../builder.ts'
import type { Cube } from '../cube.ts'
import type { Block, Value } from '../ir.ts'
import type { Given } from '../pieces.ts'
import type { Position } from '../typed.ts'
import { type Open, Wired } from '../wired.ts'
import { dropReasons, lostSlot, MAP, type NodeWiring, puntSlot, SLOT } from '../wiring.ts'
import type { Copying } from './copies.ts'
import type { Counts } from './counts.ts'
import { HOOKS } from './hooks.ts'
import { OWN, type Passage } from './packet.ts'
import { emitPunt } from './punt.ts'
import type { Traces } from './trace.ts'

/** What lowering does with verdicts. */
export interface Verdicts {
  /** Where packets come in. */
  received(): void
  drop(reason: number): void
  pass(): void
  flood(): void
  forward(port: Value): void
  punt(reason: number, metadata: readonly Given[]): void
  /** Of a transparent cube: where the packet was going. */
  next(): void
  /** A ring was full. Goes on. */
  lost(ring: string): void
  /** At the end, when everything else has been lowered. */
  finish(): void
}

export interface ExitParts {
  readonly builder: Builder
  readonly packet: Passage
  readonly counts: Counts
  readonly copying: Copying
  readonly traces: Traces | undefined
  /** As {@link Assembly.isNext}. */
  readonly isNext?: boolean | undefined
  /** Settles what is owed to checksums: before a packet goes on. `isLast`: it ends here. */
  readonly settle: (isLast: boolean) => void
  readonly cube: Cube
  /** Before the names of the instance's maps. */
  readonly prefix: string
  readonly wiring: NodeWiring
  /** Where the nodes of the program begin. */
  readonly nodes: readonly Block[]
}

/** Built in this order: one exit can make a later one necessary, but none that has been built. */
const ORDER = { flood: 0, way: 1, forward: 2, tail: 3, pass: 4, drop: 5 } as const

interface Exit {
  readonly block: Block
  /** Where the first way to it begins: what its instructions are shown beside. */
  readonly at: Position
  readonly order: number
  readonly build: () => void
}

/** What all hooks have in common: how a packet leaves by an interface is each one's own. */
export abstract class Exits implements Verdicts {
  protected readonly builder: Builder
  protected readonly packet: Passage
  protected readonly wiring: NodeWiring
  protected readonly settle: (isLast: boolean) => void
  protected readonly counts: Counts
  protected readonly prefix: string
  protected readonly traces: Traces | undefined
  private readonly hook: Hook
  private readonly cube: Cube
  private readonly nodes: readonly Block[]
  private readonly exits = new Map<string, Exit>()

  constructor(hook: Hook, { builder, packet, counts, traces, settle, cube, prefix, wiring, nodes }: ExitParts) {
    this.settle = settle
    this.hook = hook
    this.builder = builder
    this.packet = packet
    this.counts = counts
    this.traces = traces
    this.cube = cube
    this.prefix = prefix
    this.wiring = wiring
    this.nodes = nodes
  }

  /** To every other port. */
  protected abstract buildFlood(): void
  /** To a port that is known only now. */
  protected abstract buildForward(port: Value): void
  /** Out of an interface, or to the host's stack: what the hook has to do for it. */
  protected abstract leave(way: Extract<Destination<Open>, { to: 'interface' | 'host' }>, port: Open): void

  received(): void {
    this.counts.count(this.wiring.port, SLOT.received)
  }

  lost(ring: string): void {
    this.counts.count(this.wiring.port, lostSlot(this.cube, ring))
  }

  drop(reason: number): void {
    this.shared(`drop ${reason}`, ORDER.drop + reason, () => this.buildDrop(reason))
  }

  /** In place: what each one tells is its own. */
  punt(reason: number, metadata: readonly Given[]): void {
    const { builder, cube, hook, packet, wiring } = this
    this.settle(true)
    const [told, full] = [builder.newBlock(), builder.newBlock()]
    const why = puntReasons(cube.punts)[reason]
    if (why === undefined) throw new Error(`${cube.name} punts for no reason ${reason}`)
    const ring = `${this.prefix}${MAP.punts}`
    const { port, direction = 'ingress' } = wiring
    emitPunt(builder, packet, hook, { ring, reason, why, metadata, port, direction }, told, full)
    builder.enter(full)
    this.dropFor('queue_full')
    builder.enter(told)
    this.counts.count(wiring.port, puntSlot(cube, reason))
    builder.return(builder.constant(HOOKS[hook].verdict.drop))
  }

  pass(): void {
    this.shared('pass', ORDER.pass, () => {
      this.settle(true)
      this.packet.leave(this.builder.constant(HOOKS[this.hook].verdict.pass))
    })
  }

  flood(): void {
    this.shared('flood', ORDER.flood, () => this.buildFlood())
  }

  forward(port: Value): void {
    const value = port.op === 'const' ? Number(port.value) : port.op === 'wired' ? port.wired.name : undefined
    const way = this.wiring.ways.find((one) => nameOf(one.port) === value)
    if (way !== undefined && way.to !== 'interface')
      return this.shared(`way ${value}`, ORDER.way, () => {
        this.settle(isLast(way))
        this.send(way)
      })
    this.builder.write(OWN.port, port)
    this.shared('forward', ORDER.forward, () => {
      this.settle(this.wiring.ways.every(isLast))
      this.buildForward(this.builder.read(OWN.port))
    })
  }

  next(): void {
    const [way] = this.wiring.ways
    if (way === undefined) return this.pass()
    this.shared('next', ORDER.way, () => {
      this.settle(isLast(way))
      this.go(way)
    })
  }

  /** Builds the exits that something leads to. Called once, when the whole node has been lowered. */
  finish(): void {
    const built = new Set<Exit>()
    const first = (): Exit | undefined =>
      [...this.exits.values()].filter((one) => !built.has(one)).sort((a, b) => a.order - b.order)[0]
    for (let exit = first(); exit !== undefined; exit = first()) {
      built.add(exit)
      this.builder.enter(exit.block)
      this.builder.at = exit.at
      exit.build()
    }
  }

  /** To another program once, wherever that is decided: the kernel patches each jump there by itself, and that takes its time. */
  protected send(way: Way<Open>): void {
    if (way.to === 'tail') this.shared(`tail ${nameOf(way.port)}`, ORDER.tail, () => this.sendHere(way))
    else this.sendHere(way)
  }

  private sendHere(way: Way<Open>): void {
    if (way.to !== 'nowhere') this.counts.count(way.port, SLOT.sent, isInside(way))
    this.go(way)
  }

  private go(way: Way<Open>): void {
    const { builder } = this
    switch (way.to) {
      case 'node': {
        const node = this.nodes[way.node]
        if (node === undefined) throw new Error(`there is no node ${way.node}`)
        return builder.jump(node)
      }
      case 'tail':
        this.packet.suspend()
        this.traces?.hand()
        builder.emit(
          { op: 'call', helper: 'tail_call', edge: 'after' },
          builder.emit({ op: 'context' }),
          builder.emit({ op: 'map', name: PROGRAMS }),
          builder.constant(way.slot),
        )
        return this.dropFor('too_many_hops')
      case 'on':
        return this.packet.leave(builder.constant(HOOKS[this.hook].verdict.pass))
      case 'nowhere':
        return this.dropFor('not_connected')
      case 'interface':
      case 'host':
        return this.leave(way, way.port)
    }
  }

  /** Binary search over constants: log2(n) comparisons, and no memory touched. The port that packets came in by is last. */
  protected search(
    port: Value,
    ways: readonly Way<Open>[],
    found: (way: Way<Open>) => void,
    missing: () => void,
  ): void {
    const { builder, wiring } = this
    const own = ways.filter((way) => way.port === wiring.port)
    const others = ways.filter((way) => way.port !== wiring.port)
    if (own.length === 0 || others.length === 0) return this.searchIn(port, ways, found, missing)
    const other = builder.newBlock()
    this.searchIn(port, others, found, () => builder.jump(other))
    builder.enter(other)
    this.searchIn(port, own, found, missing)
  }

  private searchIn(
    port: Value,
    sorted: readonly Way<Open>[],
    found: (way: Way<Open>) => void,
    missing: () => void,
  ): void {
    const { builder } = this
    const middle = sorted.length >> 1
    const pivot = sorted[middle]
    if (pivot === undefined) return missing()
    const one = builder.newBlock()
    const other = builder.newBlock()
    if (sorted.length === 1) {
      builder.branch('eq', 32, port, builder.constant(pivot.port), one, other)
      builder.enter(one)
      found(pivot)
      builder.enter(other)
      return missing()
    }
    builder.branch('ult', 32, port, builder.constant(pivot.port), one, other)
    builder.enter(one)
    this.searchIn(port, sorted.slice(0, middle), found, missing)
    builder.enter(other)
    this.searchIn(port, sorted.slice(middle), found, missing)
  }

  private shared(name: string, order: number, build: () => void): void {
    const exit = this.exits.get(name) ?? { block: this.builder.newBlock(), at: this.builder.at, order, build }
    this.exits.set(name, exit)
    this.builder.jump(exit.block)
  }

  private buildDrop(reason: number): void {
    // Who looks sees checksums that are right.
    if (this.counts.looks !== undefined) this.settle(true)
    this.counts.count(this.wiring.port, SLOT.firstDrop + reason)
    this.builder.return(this.builder.constant(HOOKS[this.hook].verdict.drop))
  }

  protected dropFor(name: string): void {
    this.drop(this.reason(name))
  }

  protected reason(name: string): number {
    return Object.keys(dropReasons(this.cube)).indexOf(name)
  }
}

const nameOf = (port: Open): string | number => (port instanceof Wired ? port.name : port)

/** Whether it goes to another cube. */
export const isInside = ({ to }: Way<Open>): boolean => to === 'node' || to === 'tail'

/** Whether nothing more is done with what goes there. */
const isLast = ({ to }: Way<Open>): boolean => to !== 'node'
