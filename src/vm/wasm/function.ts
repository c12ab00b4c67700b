import { CLASS, classOf, LIMIT } from '../../isa/opcodes.ts'
import type { Program } from '../../isa/program.ts'
import { AT, DESCRIPTOR, ROOM } from '../layout.ts'
import { REGION } from '../memory.ts'
import { writeLoad, writeStore } from './access.ts'
import type { Analysis, FunctionShape } from './analysis.ts'
import { writeArithmetic, writeCondition } from './arithmetic.ts'
import { inheritedBy, writeCall } from './calls.ts'
import { type Block, type Graph, isCall, isCondition, isExit } from './graph.ts'
import type { State } from './knowledge.ts'
import { liveFrom } from './liveness.ts'
import { I32, I64, MEMORY_FILL, OP, TYPE } from './opcodes.ts'
import type { Translated } from './open.ts'
import { DEPTH, PARAMETERS, Registers } from './registers.ts'
import { type Numbers, REASON, type Scope } from './scope.ts'
import { type BlockWriter, writeFlow } from './structure.ts'
import { Body } from './writer.ts'

/** What all functions of a program have in common. */
export interface Setting {
  readonly program: Program
  readonly analysis: Analysis
  readonly numbers: Numbers
  readonly reached: Scope['reached']
  readonly isPlain: boolean
  readonly movesPacket: boolean
  readonly hasLocks: boolean
}

/** The body of one function. */
export function writeFunction(setting: Setting, shape: FunctionShape): Uint8Array {
  const writer = new FunctionWriter(setting, shape)
  writer.prologue()
  writeFlow(shape.graph, writer.scope.body, writer)
  return writer.scope.body.finish()
}

/** How many instructions take the time of a branch by a table of all blocks, roughly: long ones are not in a cache. */
const branchCost = ({ blocks }: Graph): number => (blocks.length < 4096 ? 8 : 64)

class FunctionWriter implements BlockWriter {
  readonly scope: Scope
  readonly #shape: FunctionShape
  readonly #analysis: Analysis
  /** How many instructions are run at least from the function's start to the end of a block: those of its dominators. */
  readonly #length: Float64Array

  constructor({ analysis, ...setting }: Setting, shape: FunctionShape) {
    const { graph, entry, isCalled } = shape
    const body = new Body(PARAMETERS)
    const isFirst = entry === 0 && !isCalled
    const registers = new Registers(body, isFirst)
    this.scope = {
      ...setting,
      body,
      registers,
      follower: analysis.follower,
      isTracked: analysis.isTracked,
      frame: isFirst ? undefined : body.local(TYPE.i32),
      fuel: isCalled || graph.isHeader.includes(1) ? body.local(TYPE.i32) : undefined,
    }
    this.#shape = shape
    this.#analysis = analysis
    this.#length = new Float64Array(graph.blocks.length)
    for (const [number, { first, last }] of graph.blocks.entries()) {
      const before = number === 0 ? 0 : (this.#length[graph.dominators[number] ?? 0] ?? 0)
      this.#length[number] = before + last - first + 1
    }
  }

  prologue(): void {
    const { body, registers, numbers, frame, fuel, isTracked, isPlain } = this.scope
    if (fuel !== undefined) body.i32(0).access(I32.load, AT.fuel).set(fuel)
    if (frame !== undefined) {
      body.get(DEPTH).i32(LIMIT.stack).op(I32.mul).i32(AT.stacks).op(I32.add).set(frame)
      body.get(DEPTH).i32(REGION.stack).op(I32.add, OP.i64ExtendI32U).i64(32).op(I64.shl).i64(LIMIT.stack).op(I64.or)
      registers.pop(body, 10)
    }
    for (const register of this.#shape.isCalled ? inheritedBy(numbers, this.#shape.entry) : []) {
      body.i32(0).access(I64.load, AT.registers + 8 * register)
      registers.pop(body, register)
    }
    if (!isTracked && !isPlain) return
    body.i32(0).get(DEPTH).access(I32.store, AT.depth)
    // Nothing is written yet; or zeros are.
    const [start, room] = isPlain ? [AT.stacks, LIMIT.stack] : [AT.written, ROOM.written]
    body
      .get(DEPTH)
      .i32(room)
      .op(I32.mul)
      .i32(start)
      .op(I32.add)
      .i32(0)
      .i32(room)
      .op(...MEMORY_FILL)
  }

  write(block: Block, number: number): void {
    const { scope } = this
    const { instructions } = scope.program
    const { states } = this.#shape
    if (!states.has(number)) return
    // A block is written once, and its state is not needed again.
    const state = states.at(number)
    const used = this.#usedBehindCalls(block)
    for (let index = block.first; index <= block.last; index++) {
      const instruction = instructions[index]
      if (instruction === undefined) continue
      this.#writeInstruction(state, index, number, used)
      scope.follower.step(state, instruction, index)
    }
  }

  back(from: number, to: number): void {
    const { body, fuel, numbers, isPlain } = this.scope
    const { graph } = this.#shape
    const block = graph.blocks[from]
    const target = graph.blocks[to]
    if (fuel === undefined || block === undefined || target === undefined) return
    const before = (this.#length[to] ?? 0) - (target.last - target.first + 1)
    const cost = graph.isReducible
      ? (this.#length[from] ?? 0) - before
      : block.last - block.first + (isPlain ? branchCost(graph) : 1)
    body.get(fuel).i32(cost).op(I32.sub).tee(fuel).i32(0).op(I32.ltS, OP.if, TYPE.none)
    body.i32(REASON.fuel).i32(block.last).i32(0).i32(0).i32(0).ask(numbers.fail).op(OP.drop).op(OP.end)
  }

  #writeInstruction(state: State, index: number, block: number, used: ReadonlyMap<number, number>): void {
    const { scope } = this
    const instruction = scope.program.instructions[index]
    if (instruction === undefined) return
    switch (classOf(instruction.opcode)) {
      case CLASS.alu:
      case CLASS.alu64:
        writeArithmetic(scope, instruction)
        return
      case CLASS.ldx:
        writeLoad(scope, state, instruction, index)
        return
      case CLASS.st:
      case CLASS.stx:
        writeStore(scope, state, instruction, index)
        return
      case CLASS.ld:
        this.#writeWide(index)
        return
      default:
    }
    if (isCall(instruction))
      writeCall(scope, state, instruction, index, this.#analysis.code.targets[index] ?? 0, used.get(index) ?? 0)
    else if (isExit(instruction)) this.#writeExit(block)
    else if (isCondition(instruction) && this.#isBranch(index)) writeCondition(scope, instruction)
  }

  /** Whether the condition at the end of a block decides anything. */
  #isBranch(index: number): boolean {
    return (this.#analysis.code.targets[index] ?? 0) !== index + 1
  }

  #writeWide(index: number): void {
    const { body, registers, numbers, program } = this.scope
    const instruction: Translated | undefined = program.instructions[index]
    if (instruction === undefined) return
    const { dst, imm, map, mapValue, open } = instruction
    if (map === undefined) {
      if (open === undefined) body.big(BigInt(imm))
      else body.getGlobal(numbers.open(open))
    } else {
      const number = Object.keys(program.maps).indexOf(map)
      body.getGlobal(numbers.descriptor(number)).access(I64.load32U, DESCRIPTOR.id)
      // The map itself has the number before that of its values.
      if (mapValue === undefined) body.i64(1).op(I64.sub)
      body.i64(32).op(I64.shl)
      if (open !== undefined) body.getGlobal(numbers.open(open)).op(I64.or)
      else if (mapValue !== undefined) body.i64(mapValue).op(I64.or)
    }
    registers.pop(body, dst)
  }

  #writeExit(block: number): void {
    const { body, registers, fuel } = this.scope
    if (fuel !== undefined && this.#shape.isCalled)
      body
        .i32(0)
        .get(fuel)
        .i32(this.#length[block] ?? 0)
        .op(I32.sub)
        .access(I32.store, AT.fuel)
    registers.push(body, 0)
    body.op(OP.return)
  }

  /** For each call of a block, the registers that are read behind it. */
  #usedBehindCalls({ first, last, next, taken }: Block): ReadonlyMap<number, number> {
    const { instructions } = this.scope.program
    const { live } = this.#shape
    const used = new Map<number, number>()
    if (!instructions.slice(first, last + 1).some(isCall)) return used
    let after = (live[next] ?? 0) | (live[taken] ?? 0)
    for (let index = last; index >= first; index--) {
      const instruction = instructions[index]
      if (instruction !== undefined && isCall(instruction)) used.set(index, after & 0b111110)
      after = liveFrom(this.#analysis.code, index, index, after)
    }
    return used
  }
}
