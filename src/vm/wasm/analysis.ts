import { refusal } from '../../base/diagnostic.ts'
import { LIMIT } from '../../isa/opcodes.ts'
import type { Program } from '../../isa/program.ts'
import { type Graph, Graphs, isCondition, isLocalCall, targetsOf } from './graph.ts'
import { CONTEXT, POINTER, STATE, type State, startOf } from './knowledge.ts'
import { type Code, INHERITABLE, liveness } from './liveness.ts'
import { Follower } from './pointers.ts'

/** A function of a program: the one that is run, or one that is called. */
export interface FunctionShape {
  /** The index of its first instruction. */
  readonly entry: number
  readonly graph: Graph
  readonly live: Uint16Array
  /** Whether the program calls it: the one that is run it may call, too. */
  readonly isCalled: boolean
  /** What is known at the start of each block. */
  readonly states: States
}

/** One state for each block of a function, in one piece of memory: there may be hundreds of thousands. */
export class States {
  readonly #all: Int32Array
  readonly #known: Uint8Array

  constructor(blocks: number) {
    this.#all = new Int32Array(blocks * STATE)
    this.#known = new Uint8Array(blocks)
  }

  has(block: number): boolean {
    return this.#known[block] === 1
  }

  at(block: number): State {
    return this.#all.subarray(block * STATE, (block + 1) * STATE)
  }

  set(block: number, state: State): void {
    this.#known[block] = 1
    this.#all.set(state, block * STATE)
  }
}

export interface Analysis {
  readonly functions: readonly FunctionShape[]
  readonly code: Code
  readonly follower: Follower
  /** Whether bits of what was written to the stack must be kept. */
  readonly isTracked: boolean
}

/** Blocks that several functions share are translated for each of them: so much in all. */
const MOST_WORK = 4_000_000

/** `isPlain`: a program without a context, of whose pointers nothing is known, and whose stacks are zeros at first. */
export function analyse(program: Program, isPlain: boolean): Analysis {
  const targets = targetsOf(program.instructions)
  const { functions, code } = findFunctions(program, targets)
  const parameters = isPlain ? [] : [CONTEXT]
  const calm = new Flow(program, functions, targets, parameters, isPlain)
  const { escaped } = calm.findings
  const flow = escaped && !isPlain ? new Flow(program, functions, targets, parameters, true) : calm
  const isTracked = !isPlain && (escaped || flow.findings.unproven)
  return {
    functions: functions.map((one, number) => ({ ...one, states: flow.states[number] ?? new States(0) })),
    code,
    follower: flow.follower,
    isTracked,
  }
}

function findFunctions(
  { name, instructions }: Program,
  targets: Int32Array,
): { functions: Omit<FunctionShape, 'states'>[]; code: Code } {
  const graphs = new Graphs(instructions, targets)
  const entries = [0]
  const known = new Set(entries)
  const called = new Set<number>()
  const found: { entry: number; graph: Graph }[] = []
  let work = 0
  for (let entry = entries.pop(); entry !== undefined; entry = entries.pop()) {
    const graph = graphs.from(entry)
    found.push({ entry, graph })
    for (const { first, last } of graph.blocks) {
      work += last - first + 1
      for (let index = first; index <= last; index++) {
        const instruction = instructions[index]
        if (instruction === undefined || !isLocalCall(instruction)) continue
        const target = targets[index] ?? 0
        called.add(target)
        if (known.has(target)) continue
        known.add(target)
        entries.push(target)
      }
    }
    if (work > MOST_WORK) throw refusal(`functions of program "${name}" share so much that it is too long`)
  }
  const inherited = new Map<number, number>()
  const code = { instructions, targets, inherited }
  let live = found.map(({ graph }) => liveness(graph, code))
  // What a function inherits, those that call it do, too, unless they write it before. Calls are not nested deeper.
  for (let changed = true, depth = 0; changed && depth < LIMIT.callDepth; depth++) {
    changed = false
    for (const [number, { entry }] of found.entries()) {
      const needed = (live[number]?.[0] ?? 0) & INHERITABLE
      if (needed === (inherited.get(entry) ?? 0)) continue
      inherited.set(entry, needed)
      changed = true
    }
    if (changed) live = found.map(({ graph }) => liveness(graph, code))
  }
  const functions = found.map(({ entry, graph }, number) => ({
    entry,
    graph,
    live: live[number] ?? new Uint16Array(0),
    isCalled: called.has(entry),
  }))
  return { functions, code }
}

/** What is known everywhere, until nothing changes any more. */
class Flow {
  readonly follower: Follower
  readonly states: readonly States[]
  /** What is known where the analysis is, and where a condition holds. */
  readonly #now: State = new Int32Array(STATE)
  readonly #taken: State = new Int32Array(STATE)
  readonly #program: Program
  readonly #functions: readonly Omit<FunctionShape, 'states'>[]
  readonly #targets: Int32Array
  readonly #numberOf: ReadonlyMap<number, number>
  /** Functions with blocks that must be looked at again, and these blocks. */
  readonly #waiting: number[] = []
  readonly #stale: Uint8Array[]

  constructor(
    program: Program,
    functions: readonly Omit<FunctionShape, 'states'>[],
    targets: Int32Array,
    parameters: readonly number[],
    wild: boolean,
  ) {
    this.#program = program
    this.#functions = functions
    this.#targets = targets
    this.follower = new Follower(program, wild)
    this.#numberOf = new Map(functions.map(({ entry }, number) => [entry, number]))
    this.states = functions.map(({ graph }) => new States(graph.blocks.length))
    this.#stale = functions.map(({ graph }) => new Uint8Array(graph.blocks.length))
    this.#arrive(0, 0, startOf(parameters))
    for (let number = this.#waiting.pop(); number !== undefined; number = this.#waiting.pop()) this.#settle(number)
  }

  get findings() {
    return this.follower.findings
  }

  #settle(number: number): void {
    const stale = this.#stale[number]
    if (stale === undefined) return
    for (let block = stale.indexOf(1); block !== -1; block = stale.indexOf(1)) {
      for (; block < stale.length; block++) {
        if (stale[block] !== 1) continue
        stale[block] = 0
        this.#pass(number, block)
      }
    }
  }

  #pass(number: number, at: number): void {
    const block = this.#functions[number]?.graph.blocks[at]
    const states = this.states[number]
    if (block === undefined || states === undefined) return
    const { instructions } = this.#program
    const state = this.#now
    state.set(states.at(at))
    for (let index = block.first; index <= block.last; index++) {
      const instruction = instructions[index]
      if (instruction === undefined) continue
      if (isLocalCall(instruction)) this.#call(index, state)
      this.follower.step(state, instruction, index)
    }
    if (block.next < 0) return
    const last = instructions[block.last]
    if (last === undefined || block.taken < 0 || !isCondition(last)) {
      this.#arrive(number, block.next, state)
      return
    }
    const taken = this.#taken
    taken.set(state)
    this.follower.refine(taken, last, true)
    this.#arrive(number, block.taken, taken)
    this.follower.refine(state, last, false)
    this.#arrive(number, block.next, state)
  }

  /** Parameters are what all calls agree on. Sites and stacks mean nothing in another function. */
  #call(index: number, state: State): void {
    const callee = this.#numberOf.get(this.#targets[index] ?? -1)
    if (callee === undefined) return
    const parameters = Array.from(state.subarray(1, 6), (known) => {
      const kind = known >> 28
      return kind === POINTER.stack || kind === POINTER.nullable ? POINTER.unknown : known
    })
    this.#arrive(callee, 0, startOf(parameters))
  }

  #arrive(number: number, block: number, state: State): void {
    const states = this.states[number]
    const stale = this.#stale[number]
    const live = this.#functions[number]?.live[block] ?? 0
    if (states === undefined || stale === undefined) return
    if (!states.has(block)) states.set(block, state)
    else if (!this.follower.join(states.at(block), state, live)) return
    stale[block] = 1
    // Within a function, who settles it comes by.
    if (block === 0) this.#waiting.push(number)
  }
}
