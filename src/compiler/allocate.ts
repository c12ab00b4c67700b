/**
 * Virtual registers → r0 to r9, by colouring the interference graph with iterated coalescing (George and Appel,
 * "Iterated Register Coalescing", 1996). What finds no register is kept on the stack, 8 bytes each: the verifier
 * remembers the type of an aligned 8-byte spill.
 */
import { CLASS, LIMIT, MODE, SIZE } from '../isa/opcodes.ts'
import { type Code, type CodeGraph, FIRST_VIRTUAL, FRAME, type Register } from './machine-code.ts'

const COLORS = 10

/** More values at a time than the stack could ever hold, even if half of them were copies of the others. */
const HOPELESS = 2 * (COLORS + LIMIT.stack / 8)

export function allocate(graph: CodeGraph): void {
  const unspillable = new Set<Register>()
  for (;;) {
    const colouring = new Colouring(graph, unspillable)
    if (colouring.pressure > HOPELESS) {
      graph.spills = colouring.pressure - COLORS
      return
    }
    const spilled = colouring.run()
    if (spilled.length === 0) return colouring.apply()
    for (const register of spilled) if (!loadAgain(graph, register, unspillable)) spill(graph, register, unspillable)
    // It cannot be laid out any more: emit says so.
    if (graph.spills * 8 > LIMIT.stack) return
  }
}

/** What is loaded from where it does not change needs no slot: it is loaded again before each use. */
function loadAgain(graph: CodeGraph, register: Register, unspillable: Set<Register>): boolean {
  const definitions = graph.blocks.flatMap(({ code }) => code.filter(({ defs }) => defs.includes(register)))
  const [load, ...others] = definitions
  if (load?.again !== true || others.length > 0) return false
  for (const block of graph.blocks) {
    block.code = block.code.flatMap((code) => {
      if (code === load) return []
      if (!code.uses.includes(register)) return [code]
      const replacement = graph.nextRegister++
      unspillable.add(replacement)
      const swap = (one: Register) => (one === register ? replacement : one)
      const again: Code = { ...load, dst: replacement, uses: [...load.uses], defs: [replacement], again: false }
      return [again, { ...code, dst: swap(code.dst), src: swap(code.src), uses: code.uses.map(swap) }]
    })
  }
  return true
}

/** Gives a register a slot of the stack: read into a new register before each use, written back after each definition. */
function spill(graph: CodeGraph, register: Register, unspillable: Set<Register>): void {
  const slot = graph.spills++
  const access = (
    opcode: number,
    dst: Register,
    src: Register,
    code: Code,
    uses: Register[],
    defs: Register[],
  ): Code => ({
    opcode,
    dst,
    src,
    offset: 0,
    imm: 0,
    uses,
    defs,
    move: false,
    spill: slot,
    at: code.at,
  })
  for (const block of graph.blocks) {
    block.code = block.code.flatMap((code) => {
      const reads = code.uses.includes(register)
      const writes = code.defs.includes(register)
      if (!reads && !writes) return [code]
      const replacement = graph.nextRegister++
      unspillable.add(replacement)
      const swap = (one: Register) => (one === register ? replacement : one)
      const changed: Code = {
        ...code,
        dst: swap(code.dst),
        src: swap(code.src),
        uses: code.uses.map(swap),
        defs: code.defs.map(swap),
      }
      const load = access(CLASS.ldx | MODE.mem | SIZE.dw, replacement, FRAME, code, [], [replacement])
      const store = access(CLASS.stx | MODE.mem | SIZE.dw, FRAME, replacement, code, [replacement], [])
      return [...(reads ? [load] : []), changed, ...(writes ? [store] : [])]
    })
  }
}

/** Registers live where each block ends. */
function liveness(graph: CodeGraph): Map<number, Set<Register>> {
  const liveIn = new Map<number, Set<Register>>(graph.blocks.map(({ id }) => [id, new Set<Register>()]))
  const liveOut = new Map<number, Set<Register>>(graph.blocks.map(({ id }) => [id, new Set<Register>()]))
  for (let changed = true; changed; ) {
    changed = false
    for (const block of [...graph.blocks].reverse()) {
      const live = new Set(block.successors.flatMap((successor) => [...(liveIn.get(successor) ?? [])]))
      liveOut.set(block.id, new Set(live))
      for (const code of [...block.code].reverse()) {
        for (const register of code.defs) live.delete(register)
        for (const register of code.uses) live.add(register)
      }
      live.delete(FRAME)
      if (live.size !== liveIn.get(block.id)?.size) changed = true
      liveIn.set(block.id, live)
    }
  }
  return liveOut
}

class Colouring {
  /** The most registers that are in use at the same time. */
  pressure = 0
  private readonly graph: CodeGraph
  private readonly unspillable: ReadonlySet<Register>
  private readonly neighbours = new Map<Register, Set<Register>>()
  private readonly degree = new Map<Register, number>()
  private readonly cost = new Map<Register, number>()
  private readonly movesOf = new Map<Register, Set<Code>>()
  private readonly alias = new Map<Register, Register>()
  private readonly color = new Map<Register, number>()
  private readonly stack: Register[] = []
  private readonly removed = new Set<Register>()
  /** Moves that may yet be coalesced, those that cannot be for now, and those still in use at all. */
  private readonly ready = new Worklist<Code>()
  private readonly blocked = new Set<Code>()
  private readonly simplifiable = new Worklist<Register>()
  private readonly freezable = new Worklist<Register>()
  private readonly spillable = new Set<Register>()

  constructor(graph: CodeGraph, unspillable: ReadonlySet<Register>) {
    this.graph = graph
    this.unspillable = unspillable
    this.build()
  }

  /** The registers that found no colour. */
  run(): Register[] {
    for (const register of this.virtuals()) this.classify(register)
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
    const of = (register: Register): Register => {
      const root = this.find(register)
      const color = root < FIRST_VIRTUAL ? root : this.color.get(root)
      if (color === undefined) throw new Error(`no register for %${register}`)
      return color
    }
    for (const block of this.graph.blocks) {
      block.code = block.code
        .map((code) => ({
          ...code,
          dst: of(code.dst),
          src: of(code.src),
          uses: code.uses.map(of),
          defs: code.defs.map(of),
        }))
        .filter(({ move, dst, src }) => !(move && dst === src))
    }
  }

  private virtuals(): Register[] {
    return [...this.cost.keys()]
  }

  private build(): void {
    const liveOut = liveness(this.graph)
    for (const block of this.graph.blocks) {
      const live = new Set(liveOut.get(block.id))
      // What a loop uses is used often, however often that is.
      const weight = Math.min(block.rounds, 10)
      for (const code of [...block.code].reverse()) {
        // A copy's two sides may share a register although both are live.
        if (code.move && code.src !== FRAME) {
          live.delete(code.src)
          for (const register of [code.dst, code.src]) this.movesFor(register).add(code)
          this.ready.add(code)
        }
        for (const register of [...code.defs, ...code.uses])
          if (register >= FIRST_VIRTUAL) this.cost.set(register, (this.cost.get(register) ?? 0) + weight)
        for (const register of code.defs) live.add(register)
        this.pressure = Math.max(this.pressure, live.size)
        if (this.pressure > HOPELESS) return
        for (const register of code.defs) for (const other of live) this.connect(register, other)
        for (const register of code.defs) live.delete(register)
        for (const register of code.uses) if (register !== FRAME) live.add(register)
      }
    }
  }

  private movesFor(register: Register): Set<Code> {
    const known = this.movesOf.get(register) ?? new Set()
    this.movesOf.set(register, known)
    return known
  }

  private adjacent(register: Register): Set<Register> {
    const known = this.neighbours.get(register) ?? new Set()
    this.neighbours.set(register, known)
    return known
  }

  private connect(a: Register, b: Register): void {
    if (a === b || this.adjacent(a).has(b)) return
    this.adjacent(a).add(b)
    this.adjacent(b).add(a)
    for (const register of [a, b]) this.degree.set(register, (this.degree.get(register) ?? 0) + 1)
  }

  private degreeOf(register: Register): number {
    return register < FIRST_VIRTUAL ? Number.POSITIVE_INFINITY : (this.degree.get(register) ?? 0)
  }

  private present(register: Register): Register[] {
    return [...this.adjacent(register)].filter((one) => !this.removed.has(one))
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
    this.removed.add(register)
    for (const other of this.present(register)) this.lowerDegree(other)
  }

  private lowerDegree(register: Register): void {
    if (register < FIRST_VIRTUAL) return
    const degree = this.degreeOf(register)
    this.degree.set(register, degree - 1)
    if (degree !== COLORS) return
    for (const one of [register, ...this.present(register)]) this.unblock(one)
    this.spillable.delete(register)
    if (this.movable(register)) this.freezable.add(register)
    else this.simplifiable.add(register)
  }

  private unblock(register: Register): void {
    for (const move of this.movesFor(register)) if (this.blocked.delete(move)) this.ready.add(move)
  }

  private find(register: Register): Register {
    let root = register
    for (let next = this.alias.get(root); next !== undefined; next = this.alias.get(root)) root = next
    // Who was on the way there is sent there directly.
    for (let at = register; at !== root; ) {
      const next = this.alias.get(at) ?? root
      this.alias.set(at, root)
      at = next
    }
    return root
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
    if (joined < FIRST_VIRTUAL || this.adjacent(kept).has(joined)) {
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
    if (kept < FIRST_VIRTUAL)
      return this.present(joined).every(
        (other) => this.degreeOf(other) < COLORS || other < FIRST_VIRTUAL || this.adjacent(other).has(kept),
      )
    const both = new Set([...this.present(kept), ...this.present(joined)])
    return [...both].filter((other) => this.degreeOf(other) >= COLORS).length < COLORS
  }

  private join(kept: Register, joined: Register): void {
    this.freezable.delete(joined)
    this.spillable.delete(joined)
    this.simplifiable.delete(joined)
    this.alias.set(joined, kept)
    this.removed.add(joined)
    for (const move of this.movesFor(joined)) this.movesFor(kept).add(move)
    this.cost.set(kept, (this.cost.get(kept) ?? 0) + (this.cost.get(joined) ?? 0))
    if (kept < FIRST_VIRTUAL) this.cost.delete(kept)
    this.unblock(joined)
    for (const other of this.present(joined)) {
      this.connect(kept, other)
      this.lowerDegree(other)
    }
    if (this.degreeOf(kept) >= COLORS && this.freezable.delete(kept)) this.spillable.add(kept)
  }

  /** A register without moves left, and of low degree, can be simplified. */
  private relax(register: Register): void {
    if (register < FIRST_VIRTUAL || this.movable(register) || this.degreeOf(register) >= COLORS) return
    if (this.removed.has(register)) return
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
      const cost = weight + (this.cost.get(register) ?? 0) / this.degreeOf(register)
      if (cost < least) [best, least] = [register, cost]
    }
    return best
  }

  private assign(): Register[] {
    const spilled: Register[] = []
    for (const register of this.stack.reverse()) {
      const taken = new Set<number>()
      for (const other of this.adjacent(register)) {
        const root = this.find(other)
        const color = root < FIRST_VIRTUAL ? root : this.color.get(root)
        if (color !== undefined) taken.add(color)
      }
      // Low numbers first: r6 to r9 are left to what lives across calls.
      const free = Array.from({ length: COLORS }, (_, color) => color).find((color) => !taken.has(color))
      if (free === undefined) spilled.push(register)
      else this.color.set(register, free)
    }
    return spilled
  }
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
