/** Iterated register coalescing (George and Appel, 1996): the interference graph of a function, and its colours. */
import { LIMIT } from '../../isa/opcodes.ts'
import { liveness } from './liveness.ts'
import { type Code, type CodeGraph, FIRST_VIRTUAL, FRAME, type Register } from './machine-code.ts'

export const COLORS = 10

/** More values at a time than the stack could ever hold, even if half of them were copies of the others. */
export const HOPELESS = 2 * (COLORS + LIMIT.stack / 8)

export class Colouring {
  /** The most registers that are in use at the same time. */
  pressure = 0
  private readonly graph: CodeGraph
  private readonly unspillable: ReadonlySet<Register>
  // By register.
  private readonly neighbours: readonly Register[][]
  /** The same as pairs, the larger times the number of registers and the smaller added. */
  private readonly edges = new Set<number>()
  private readonly degree: Int32Array
  /** How often it is used, loops counted; 0 for those that are not there. */
  private readonly cost: Float64Array
  private readonly movesOf: readonly Set<Code>[]
  /** What it was joined to, itself at first. */
  private readonly alias: Int32Array
  private readonly color: Int32Array
  private readonly removed: Uint8Array
  private readonly stack: Register[] = []
  /** Moves that may yet be coalesced, those that cannot be for now, and those still in use at all. */
  private readonly ready = new Worklist<Code>()
  private readonly blocked = new Set<Code>()
  private readonly simplifiable = new Worklist<Register>()
  private readonly freezable = new Worklist<Register>()
  private readonly spillable = new Set<Register>()

  constructor(graph: CodeGraph, unspillable: ReadonlySet<Register>) {
    this.graph = graph
    this.unspillable = unspillable
    const { nextRegister: length } = graph
    this.neighbours = Array.from({ length }, () => [])
    this.movesOf = Array.from({ length }, () => new Set())
    this.degree = new Int32Array(length)
    this.cost = new Float64Array(length)
    this.alias = Int32Array.from({ length }, (_, register) => register)
    this.color = new Int32Array(length).fill(NONE)
    this.removed = new Uint8Array(length)
    for (let register = 0; register < FIRST_VIRTUAL; register++) this.color[register] = register
    this.build()
  }

  /** The registers that found no colour. */
  run(): Register[] {
    for (const [register, cost] of this.cost.entries()) if (cost > 0) this.classify(register)
    for (;;) {
      const simple = this.simplifiable.first()
      if (simple !== undefined) {
        this.simplify(simple)
        continue
      }
      const move = this.ready.first()
      if (move !== undefined) {
        this.coalesce(move)
        continue
      }
      const frozen = this.freezable.first()
      if (frozen !== undefined) {
        this.freezable.delete(frozen)
        this.simplifiable.add(frozen)
        this.freezeMoves(frozen)
        continue
      }
      const chosen = this.chooseSpill()
      if (chosen === undefined) break
      this.spillable.delete(chosen)
      this.simplifiable.add(chosen)
      this.freezeMoves(chosen)
    }
    return this.assign()
  }

  /** Writes the colours into the code, and leaves out copies of a register to itself. */
  apply(): void {
    for (const block of this.graph.blocks) {
      for (const code of block.code) {
        code.dst = this.colorOf(code.dst)
        code.src = this.colorOf(code.src)
        code.uses = code.uses.map((register) => this.colorOf(register))
        code.defs = code.defs.map((register) => this.colorOf(register))
      }
      block.code = block.code.filter(({ move, dst, src }) => !(move && dst === src))
    }
  }

  private build(): void {
    const liveOut = liveness(this.graph, HOPELESS)
    for (const [index, block] of this.graph.blocks.entries()) {
      const live = new Set(liveOut[index])
      // What a loop uses is used often, however often that is.
      const weight = Math.min(block.rounds, 10)
      for (let at = block.code.length - 1; at >= 0; at--) {
        const code = block.code[at]
        if (code === undefined) continue
        const { uses, defs } = code
        // A copy's two sides may share a register although both are live.
        if (code.move && code.src !== FRAME) {
          live.delete(code.src)
          this.movesFor(code.dst).add(code)
          this.movesFor(code.src).add(code)
          this.ready.add(code)
        }
        for (const register of defs) this.addCost(register, weight)
        for (const register of uses) this.addCost(register, weight)
        for (const register of defs) live.add(register)
        this.pressure = Math.max(this.pressure, live.size)
        if (this.pressure > HOPELESS) return
        for (const register of defs) for (const other of live) this.connect(register, other)
        for (const register of defs) live.delete(register)
        for (const register of uses) if (register !== FRAME) live.add(register)
      }
    }
  }

  private addCost(register: Register, more: number): void {
    if (register >= FIRST_VIRTUAL) this.cost[register] = this.costOf(register) + more
  }

  private costOf(register: Register): number {
    return this.cost[register] ?? 0
  }

  private movesFor(register: Register): Set<Code> {
    return at(this.movesOf, register)
  }

  private adjacent(register: Register): Register[] {
    return at(this.neighbours, register)
  }

  private areAdjacent(a: Register, b: Register): boolean {
    return this.edges.has(this.edge(a, b))
  }

  private edge(a: Register, b: Register): number {
    return a > b ? a * this.alias.length + b : b * this.alias.length + a
  }

  private connect(a: Register, b: Register): void {
    if (a === b) return
    const { size } = this.edges
    if (this.edges.add(this.edge(a, b)).size === size) return
    this.adjacent(a).push(b)
    this.adjacent(b).push(a)
    this.degree[a] = (this.degree[a] ?? 0) + 1
    this.degree[b] = (this.degree[b] ?? 0) + 1
  }

  private degreeOf(register: Register): number {
    return register < FIRST_VIRTUAL ? Number.POSITIVE_INFINITY : (this.degree[register] ?? 0)
  }

  /** Whether it is still in the graph. */
  private isPresent(register: Register): boolean {
    return this.removed[register] === 0
  }

  private movable(register: Register): boolean {
    for (const move of this.movesFor(register)) if (this.ready.has(move) || this.blocked.has(move)) return true
    return false
  }

  private classify(register: Register): void {
    if (this.degreeOf(register) >= COLORS) this.spillable.add(register)
    else if (this.movable(register)) this.freezable.add(register)
    else this.simplifiable.add(register)
  }

  private simplify(register: Register): void {
    this.simplifiable.delete(register)
    this.stack.push(register)
    this.removed[register] = 1
    for (const other of this.adjacent(register)) if (this.isPresent(other)) this.lowerDegree(other)
  }

  private lowerDegree(register: Register): void {
    if (register < FIRST_VIRTUAL) return
    const degree = this.degreeOf(register)
    this.degree[register] = degree - 1
    if (degree !== COLORS) return
    this.unblock(register)
    for (const other of this.adjacent(register)) if (this.isPresent(other)) this.unblock(other)
    this.spillable.delete(register)
    if (this.movable(register)) this.freezable.add(register)
    else this.simplifiable.add(register)
  }

  private unblock(register: Register): void {
    for (const move of this.movesFor(register)) if (this.blocked.delete(move)) this.ready.add(move)
  }

  private find(register: Register): Register {
    let root = register
    for (let next = this.aliasOf(root); next !== root; next = this.aliasOf(root)) root = next
    // Who was on the way there is sent there directly.
    for (let at = register; at !== root; ) {
      const next = this.aliasOf(at)
      this.alias[at] = root
      at = next
    }
    return root
  }

  private aliasOf(register: Register): Register {
    return this.alias[register] ?? register
  }

  private coalesce(move: Code): void {
    this.ready.delete(move)
    const [x, y] = [this.find(move.dst), this.find(move.src)]
    // The one with more copies is kept: a long chain of joins then moves each of them few times.
    const turned = y < FIRST_VIRTUAL || (x >= FIRST_VIRTUAL && this.movesFor(y).size > this.movesFor(x).size)
    const [kept, joined] = turned ? [y, x] : [x, y]
    if (kept === joined) {
      this.settle(move, kept, joined)
      return this.relax(kept)
    }
    if (joined < FIRST_VIRTUAL || this.areAdjacent(kept, joined)) {
      this.settle(move, kept, joined)
      this.relax(kept)
      return this.relax(joined)
    }
    if (!this.mayJoin(kept, joined)) {
      this.blocked.add(move)
      return
    }
    this.settle(move, kept, joined)
    this.join(kept, joined)
    this.relax(kept)
  }

  /** Nothing more will be decided about this copy. */
  private settle(move: Code, ...registers: readonly Register[]): void {
    for (const register of registers) this.movesFor(register).delete(move)
  }

  /** Joining is safe where it cannot make the graph harder to colour (George's test, and Briggs's). */
  private mayJoin(kept: Register, joined: Register): boolean {
    if (kept < FIRST_VIRTUAL) {
      for (const other of this.adjacent(joined))
        if (this.isSignificant(other) && other >= FIRST_VIRTUAL && !this.areAdjacent(kept, other)) return false
      return true
    }
    // Values that go through thousands of lines have as many neighbours: no more of them are looked at than decide.
    let significant = 0
    for (const other of this.adjacent(kept)) if (this.isSignificant(other) && ++significant === COLORS) return false
    for (const other of this.adjacent(joined))
      if (this.isSignificant(other) && !this.areAdjacent(kept, other) && ++significant === COLORS) return false
    return true
  }

  private isSignificant(register: Register): boolean {
    return this.isPresent(register) && this.degreeOf(register) >= COLORS
  }

  private join(kept: Register, joined: Register): void {
    this.freezable.delete(joined)
    this.spillable.delete(joined)
    this.simplifiable.delete(joined)
    this.alias[joined] = kept
    this.removed[joined] = 1
    for (const move of this.movesFor(joined)) this.movesFor(kept).add(move)
    this.addCost(kept, this.costOf(joined))
    this.unblock(joined)
    for (const other of this.adjacent(joined)) {
      if (!this.isPresent(other)) continue
      this.connect(kept, other)
      this.lowerDegree(other)
    }
    if (this.degreeOf(kept) >= COLORS && this.freezable.delete(kept)) this.spillable.add(kept)
  }

  /** A register without moves left, and of low degree, can be simplified. */
  private relax(register: Register): void {
    if (register < FIRST_VIRTUAL || this.movable(register) || this.degreeOf(register) >= COLORS) return
    if (!this.isPresent(register)) return
    this.freezable.delete(register)
    this.simplifiable.add(register)
  }

  private freezeMoves(register: Register): void {
    for (const move of [...this.movesFor(register)]) {
      const wasBlocked = this.blocked.delete(move)
      if (!this.ready.delete(move) && !wasBlocked) continue
      const [x, y] = [this.find(move.dst), this.find(move.src)]
      this.settle(move, x, y)
      this.relax(x === register ? y : x)
    }
  }

  /** What is used least for the trouble it makes. Registers made by spilling are the last resort. */
  private chooseSpill(): Register | undefined {
    let best: Register | undefined
    let least = Number.POSITIVE_INFINITY
    for (const register of this.spillable) {
      const weight = this.unspillable.has(register) ? 1e9 : 0
      const cost = weight + this.costOf(register) / this.degreeOf(register)
      if (cost < least) [best, least] = [register, cost]
    }
    return best
  }

  private assign(): Register[] {
    const spilled: Register[] = []
    const partners = this.partners()
    for (const register of this.stack.reverse()) {
      let taken = 0
      for (const other of this.adjacent(register)) taken |= this.bitOf(other)
      // A copy between two of one colour is none, even if they could not be made one.
      let wanted = 0
      for (const other of partners.get(register) ?? []) wanted |= this.bitOf(other)
      // Low numbers first: r6 to r9 are left to what lives across calls.
      const free = lowest(wanted & ~taken) ?? lowest(~taken) ?? COLORS
      if (free < COLORS) this.color[register] = free
      else spilled.push(register)
    }
    return spilled
  }

  /** Of registers with copies between them that were not joined: who should have the colour of whom. */
  private partners(): ReadonlyMap<Register, ReadonlySet<Register>> {
    const partners = new Map<Register, Set<Register>>()
    const add = (one: Register, other: Register) => {
      const known = partners.get(one)
      if (known === undefined) partners.set(one, new Set([other]))
      else known.add(other)
    }
    for (const { code } of this.graph.blocks)
      for (const { move, dst, src } of code) {
        if (!move || src === FRAME) continue
        const [a, b] = [this.find(dst), this.find(src)]
        if (a === b) continue
        add(a, b)
        add(b, a)
      }
    return partners
  }

  /** The colour of a register, as a bit; 0 as long as it has none. */
  private bitOf(register: Register): number {
    const color = this.color[this.find(register)] ?? NONE
    return color === NONE ? 0 : 1 << color
  }

  private colorOf(register: Register): number {
    const color = this.color[this.find(register)] ?? NONE
    if (color === NONE) throw new Error(`no register for %${register}`)
    return color
  }
}

/** No colour. */
const NONE = -1

/** The number of the lowest bit that is set. */
const lowest = (bits: number): number | undefined => (bits === 0 ? undefined : 31 - Math.clz32(bits & -bits))

/** One of a list with a place for every register. */
function at<T>(all: readonly T[], register: Register): T {
  const one = all[register]
  if (one === undefined) throw new Error(`there is no %${register}`)
  return one
}

/** A set that gives its oldest member quickly: a plain Set walks over everything that was ever deleted before it. */
class Worklist<T> {
  private readonly members = new Set<T>()
  private readonly order: T[] = []
  private start = 0

  add(one: T): void {
    if (this.members.has(one)) return
    this.members.add(one)
    this.order.push(one)
  }

  delete(one: T): boolean {
    return this.members.delete(one)
  }

  has(one: T): boolean {
    return this.members.has(one)
  }

  first(): T | undefined {
    for (; this.start < this.order.length; this.start++) {
      const one = this.order[this.start] as T
      if (this.members.has(one)) return one
    }
    return undefined
  }
}
