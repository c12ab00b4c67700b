import { refusal } from '../../base/diagnostic.ts'
import type { Block, Graph } from './graph.ts'
import { OP, TYPE } from './opcodes.ts'
import type { Body } from './writer.ts'

/** What is written for a block, apart from where it goes on. */
export interface BlockWriter {
  /** All of it. Behind it nothing is on the stack, but for a condition: 1 or 0. What leaves the function does it here. */
  write(block: Block, number: number): void
  /** Before control goes back from one block to another: a loop costs something. */
  back(from: number, to: number): void
}

/** More cannot be the targets of one `br_table` (V8, kV8MaxWasmFunctionBrTableSize). */
const MOST_DISPATCHED = 65_520

/**
 * Turns a graph of blocks into nested blocks and loops (Ramsey, "Beyond Relooper: recursive translation of unstructured control
 * flow to structured control flow", ICFP 2022). Recursion is a list of things to do here: a program may be long.
 */
export function writeFlow(graph: Graph, body: Body, writer: BlockWriter): void {
  if (graph.isReducible) new Structured(graph, body, writer).write()
  else writeDispatched(graph, body, writer)
  // Control never comes here, which the validation of the function's result cannot see.
  body.op(OP.unreachable)
}

type Task = (() => void) | undefined

class Structured {
  readonly #graph: Graph
  readonly #body: Body
  readonly #writer: BlockWriter
  /** The blocks that each block dominates at once and several edges lead to, the last one first. */
  readonly #joins: number[][]
  readonly #tasks: Task[] = []
  /** How many constructs are open, and which of them leads to the end of what is before a block, or to a loop's start. */
  #open = 0
  readonly #before: Int32Array
  readonly #start: Int32Array

  constructor(graph: Graph, body: Body, writer: BlockWriter) {
    this.#graph = graph
    this.#body = body
    this.#writer = writer
    const { length } = graph.blocks
    this.#before = new Int32Array(length).fill(-1)
    this.#start = new Int32Array(length).fill(-1)
    this.#joins = Array.from({ length }, () => [])
    for (let block = length - 1; block > 0; block--)
      if (this.#isJoin(block)) this.#joins[graph.dominators[block] ?? 0]?.push(block)
  }

  write(): void {
    this.#later(() => this.#tree(0))
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) task()
  }

  #later(...tasks: readonly (() => void)[]): void {
    for (let i = tasks.length - 1; i >= 0; i--) this.#tasks.push(tasks[i])
  }

  #isJoin(block: number): boolean {
    return (this.#graph.arrivals[block] ?? 0) > 1
  }

  #begin(opcode: number): number {
    this.#body.op(opcode, TYPE.none)
    return this.#open++
  }

  #end(): void {
    this.#body.op(OP.end)
    this.#open--
  }

  /** A block, and all that it dominates. */
  #tree(number: number): void {
    const block = this.#graph.blocks[number]
    if (block === undefined) return
    const isHeader = this.#graph.isHeader[number] === 1
    if (isHeader) this.#start[number] = this.#begin(OP.loop)
    const joins = this.#joins[number] ?? []
    for (const join of joins) this.#before[join] = this.#begin(OP.block)
    this.#writer.write(block, number)
    const rest: (() => void)[] = []
    for (let i = joins.length - 1; i >= 0; i--) {
      const join = joins[i] ?? 0
      rest.push(() => {
        this.#end()
        this.#tree(join)
      })
    }
    if (isHeader) rest.push(() => this.#end())
    // One by one: there may be more than a call takes arguments.
    for (const task of rest.reverse()) this.#later(task)
    this.#goOn(number, block)
  }

  #goOn(from: number, { next, taken }: Block): void {
    if (next < 0) return
    if (taken < 0) {
      this.#to(from, next)
      return
    }
    if (this.#isLabelled(from, taken)) {
      this.#branchIf(from, taken)
      this.#to(from, next)
    } else if (this.#isLabelled(from, next)) {
      this.#body.op(0x45)
      this.#branchIf(from, next)
      this.#to(from, taken)
    } else {
      this.#begin(OP.if)
      this.#later(
        () => this.#tree(taken),
        () => this.#end(),
        () => this.#tree(next),
      )
    }
  }

  #isLabelled(from: number, to: number): boolean {
    return to <= from || this.#isJoin(to)
  }

  #to(from: number, to: number): void {
    if (!this.#isLabelled(from, to)) this.#later(() => this.#tree(to))
    else {
      if (to <= from) this.#writer.back(from, to)
      this.#body.byte(OP.br).unsigned(this.#distance(from, to))
    }
  }

  #branchIf(from: number, to: number): void {
    if (to > from) {
      this.#body.byte(OP.brIf).unsigned(this.#distance(from, to))
      return
    }
    this.#begin(OP.if)
    this.#writer.back(from, to)
    this.#body.byte(OP.br).unsigned(this.#distance(from, to))
    this.#end()
  }

  #distance(from: number, to: number): number {
    const construct = (to <= from ? this.#start : this.#before)[to] ?? 0
    return this.#open - 1 - construct
  }
}

/** One loop around a jump to any of the blocks: for graphs with loops that have several entries. */
function writeDispatched({ blocks }: Graph, body: Body, writer: BlockWriter): void {
  const next = body.local(TYPE.i32)
  const { length } = blocks
  if (length > MOST_DISPATCHED)
    throw refusal(
      `the program has a function with ${length} blocks and loops that are entered at several places, which is too much`,
      'let each loop have one place where it starts, or divide the function',
    )
  body.op(OP.loop, TYPE.none)
  for (let i = 0; i < length; i++) body.op(OP.block, TYPE.none)
  body
    .get(next)
    .byte(OP.brTable)
    .unsigned(length - 1)
  for (let i = 0; i < length; i++) body.unsigned(i)
  for (const [number, block] of blocks.entries()) {
    body.op(OP.end)
    const outside = length - 1 - number
    const to = (target: number, depth: number) => {
      if (target <= number) writer.back(number, target)
      body.i32(target).set(next).byte(OP.br).unsigned(depth)
    }
    writer.write(block, number)
    if (block.next < 0) continue
    if (block.taken >= 0) {
      body.op(OP.if, TYPE.none)
      to(block.taken, outside + 1)
      body.op(OP.end)
    }
    to(block.next, outside)
  }
  body.op(OP.end)
}
