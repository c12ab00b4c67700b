/**
 * Builds SSA directly while walking the typed tree (Braun et al., "Simple and Efficient Construction of Static Single
 * Assignment Form", 2013): variables are looked up backwards through the blocks, and phis appear where they meet.
 */
import {
  type Block,
  type Comparison,
  type Graph,
  type Operation,
  reversePostorder,
  successors,
  type Value,
} from './ir.ts'
import { simplify } from './passes/simplify.ts'
import type { Position } from './typed.ts'
import { newBranch, newJump, newReturn, newValue } from './value.ts'
import { type Open, Wired } from './wired.ts'

export class Builder {
  readonly entry: Block
  block: Block
  at: Position
  /** What the blocks that are made now get: see {@link Block.rounds}. */
  rounds = 1
  /** The loops around what is made now, outermost first, by the blocks that their rounds begin with. */
  loops: readonly Block[] = []
  private nextValue = 0
  private nextBlock = 0
  private nextOwn = -1_000_000_000
  private readonly definitions = new Map<Block, Map<number, Value>>()
  /** Blocks whose predecessors are not all known yet, with the phis that wait for them. */
  private readonly open = new Map<Block, Map<number, Value>>()

  /** Phis of blocks whose predecessors are known, without their arguments yet. */
  private readonly incomplete: { variable: number; block: Block; phi: Value }[] = []
  private completing = false
  private readonly numbers = new Map<string, Value>()

  constructor(at: Position) {
    this.at = at
    this.entry = this.newBlock()
    this.seal(this.entry)
    this.block = this.entry
  }

  /** A variable of lowering itself. */
  own(): number {
    return this.nextOwn--
  }

  newBlock({ rare = false } = {}): Block {
    const { rounds } = this
    const block: Block = { id: this.nextBlock++, rounds, rare, place: 0, values: [], end: undefined, predecessors: [] }
    this.definitions.set(block, new Map())
    this.open.set(block, new Map())
    return block
  }

  /** No more predecessors will come. */
  seal(block: Block): void {
    const waiting = this.open.get(block)
    this.open.delete(block)
    for (const [variable, phi] of waiting ?? []) this.completePhi(variable, block, phi)
  }

  /** Seals a block and goes on inside it. */
  enter(block: Block): void {
    this.seal(block)
    this.block = block
  }

  private append(block: Block, operation: Operation, given: Value[]): Value {
    const value = newValue(operation, this.nextValue++, given, this.at)
    // Constants belong to no block: they are made where they are used.
    if (operation.op === 'phi') block.values.unshift(value)
    else if (operation.op !== 'const') block.values.push(value)
    return value
  }

  emit(operation: Operation, ...given: Value[]): Value {
    const simple = simplify(operation, given)
    if (simple === undefined) return this.append(this.block, operation, given)
    return 'id' in simple ? simple : this.append(this.block, simple.operation, simple.arguments)
  }

  constant(value: bigint | Open): Value {
    if (value instanceof Wired) return this.wired(value)
    return this.append(this.block, { op: 'const', value: BigInt.asUintN(64, BigInt(value)) }, [])
  }

  /** A number that is left open: made where it is used, so it may stand at the start. */
  private wired(wired: Wired): Value {
    const known = this.numbers.get(wired.name)
    const value = known ?? newValue({ op: 'wired', wired }, this.nextValue++, [], this.at)
    if (known === undefined) this.entry.values.push(value)
    this.numbers.set(wired.name, value)
    return value
  }

  write(variable: number, value: Value): void {
    this.definitions.get(this.block)?.set(variable, value)
  }

  /** The value of a variable from the start on, and at the start of all rounds of some loops: of one never read or written before. */
  begin(variable: number, value: Value, loops: readonly Block[]): void {
    for (const block of [this.entry, ...loops]) this.definitions.get(block)?.set(variable, value)
  }

  read(variable: number, block: Block = this.block): Value {
    const value = this.find(variable, block)
    // Completing a phi can make others; they wait in line instead of on the stack.
    if (this.completing) return value
    this.completing = true
    for (let next = this.incomplete.pop(); next !== undefined; next = this.incomplete.pop())
      this.completePhi(next.variable, next.block, next.phi)
    this.completing = false
    return value
  }

  /** The variable's value where `block` ends: up to the definition, or to a phi where ways meet. */
  private find(variable: number, block: Block): Value {
    const passed: Block[] = []
    let value: Value | undefined
    for (let at = block; value === undefined; ) {
      passed.push(at)
      const [only, ...others] = at.predecessors
      const waiting = this.open.get(at)
      value = this.definitions.get(at)?.get(variable)
      if (value !== undefined) break
      if (waiting === undefined && only !== undefined && others.length === 0) {
        at = only
        continue
      }
      value = this.append(at, { op: 'phi' }, [])
      if (waiting === undefined) this.incomplete.push({ variable, block: at, phi: value })
      else waiting.set(variable, value)
    }
    for (const one of passed) this.definitions.get(one)?.set(variable, value)
    return value
  }

  /** Whether a phi may yet get arguments: from a loop whose end has not been seen. */
  isOpen(phi: Value): boolean {
    return [...this.open.values()].some((waiting) => [...waiting.values()].includes(phi))
  }

  private completePhi(variable: number, block: Block, phi: Value): void {
    phi.arguments = block.predecessors.map((predecessor) => this.read(variable, predecessor))
  }

  jump(to: Block): void {
    if (this.block.end !== undefined) return
    this.block.end = newJump(to, this.at)
    to.predecessors.push(this.block)
  }

  branch(
    comparison: Comparison,
    bits: 32 | 64,
    left: Value,
    right: Value,
    whenTrue: Block,
    whenFalse: Block,
    { counts = false, proof = false } = {},
  ): void {
    if (this.block.end !== undefined) return
    this.block.end = newBranch({ comparison, bits, left, right, whenTrue, whenFalse, counts, proof, at: this.at })
    whenTrue.predecessors.push(this.block)
    whenFalse.predecessors.push(this.block)
  }

  return(value: Value): void {
    if (this.block.end !== undefined) return
    this.block.end = newReturn(value, this.at)
  }

  /** What can be reached. Blocks that follow a return are left out, and out of their successors' predecessors. */
  finish(): Graph {
    const blocks = reversePostorder(this.entry)
    const reachable = new Set(blocks)
    for (const block of blocks) {
      const kept = block.predecessors.map((one) => reachable.has(one) && successors(one).includes(block))
      for (const value of block.values)
        if (value.op === 'phi') value.arguments = value.arguments.filter((_, index) => kept[index])
      block.predecessors = block.predecessors.filter((_, index) => kept[index])
    }
    return { entry: this.entry, blocks }
  }
}
