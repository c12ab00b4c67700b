import { refusal } from '../base/diagnostic.ts'
import type { Program } from '../isa/program.ts'
import { Alike } from './alike.ts'
import { Fault, Trap } from './fault.ts'
import { AT } from './layout.ts'
import type { VirtualMap } from './map.ts'
import { type Memory, tooDeep } from './memory.ts'
import { type Imported, instantiateRun, newModule, type WasmImport, type WasmModule } from './wasm/engine.ts'
import { IMPORT, isFound, translate } from './wasm/module.ts'
import { openNumbers } from './wasm/open.ts'
import { MODE, REASON } from './wasm/scope.ts'
import { tableOf } from './wasm/table.ts'

/** The lower and upper halves of registers. */
export interface Registers {
  readonly lo: Int32Array
  readonly hi: Int32Array
}

/** What a program finds around it. */
export interface Processor {
  readonly memory: Memory
  /** How many instructions a run may execute. */
  readonly budget: number
  /** Offset in the packet of the pointer at `at` in the context, or -1 where the context holds no pointer. */
  contextPointer(at: number): number
  /** Arguments are in r1 to r5, the result goes to r0. */
  call(helper: number, registers: Registers): void
}

/** A program with the maps it refers to, ready to run on the context and packet that are in memory. */
export interface Executable {
  readonly program: Program
  /** Gives r0 as unsigned 32 bits, and leaves all of it in memory, at the place of registers. A Fault where it comes to grief. */
  run(): number
}

/** Makes programs ready. `isPlain`: one without context and maps, which finds r1 and r2 in memory, and zeros on its stacks. */
export type Engine = (
  program: Program,
  maps: ReadonlyMap<string, VirtualMap>,
  processor: Processor,
  isPlain?: boolean,
) => Executable

/** Longer ones are translated when they are loaded: WebAssembly has limits, and what is beyond them is refused then. */
const LONG = 10_000

/** By translation to WebAssembly, when it is run for the first time: of a large graph, many programs never are. */
export const translated: Engine = (program, maps, processor, isPlain = false) => {
  const { memory, budget } = processor
  const { heap } = memory
  const fuel = Math.min(budget, 0x7fffffff)
  const registers = { lo: new Int32Array(6), hi: new Int32Array(6) }
  // The instruction that asked last.
  let asking = 0
  const fail: Imported = (reason, index) => {
    asking = index
    throw new Trap(reason === REASON.depth ? tooDeep : `the program ran ${budget} instructions without an end`)
  }
  const access: Imported = (low, high, displacement, mode, index) => {
    asking = index
    return reach(memory, high, (low >>> 0) + displacement, mode)
  }
  const helper: Imported = (number, index) => {
    asking = index
    const { lo, hi } = registers
    const { words } = heap
    for (let register = 1; register <= 5; register++) {
      lo[register] = words[(AT.registers >> 2) + 2 * register] ?? 0
      hi[register] = words[(AT.registers >> 2) + 2 * register + 1] ?? 0
    }
    processor.call(number, registers)
    // Views may be others now.
    heap.words[AT.registers >> 2] = lo[0] ?? 0
    heap.words[(AT.registers >> 2) + 1] = hi[0] ?? 0
    return 0
  }
  const given = Object.keys(program.maps).map((name) => {
    const map = maps.get(name)
    if (map === undefined) throw new RangeError(`no map "${name}"`)
    return map
  })
  let ready: Ready | undefined
  const prepare = (): Ready => {
    const { module, isTracked } = compiled(program, isPlain)
    const finds = given.flatMap((map) => (isFound(map.description) ? [map.findForProgram] : []))
    const imports: Record<string, WasmImport> = {
      [IMPORT.memory]: heap.memory,
      [IMPORT.table]: tableOf([fail, access, helper, ...finds]),
    }
    for (const [number, map] of given.entries()) imports[IMPORT.descriptor(number)] = map.descriptor
    for (const [number, value] of openNumbers(program).entries()) imports[IMPORT.open(number)] = value
    return { start: instantiateRun(module, imports), isTracked }
  }
  if (program.instructions.length > LONG) ready = prepare()
  return {
    program,
    run() {
      ready ??= prepare()
      memory.tracked = ready.isTracked
      heap.words[AT.fuel >> 2] = fuel
      try {
        return ready.start() >>> 0
      } catch (error) {
        if (error instanceof Trap) throw new Fault(program, asking, error.message)
        throw error
      }
    },
  }
}

interface Ready {
  readonly start: () => number
  readonly isTracked: boolean
}

function reach(memory: Memory, region: number, at: number, mode: number): number {
  const size = mode >> 2
  switch (mode & 3) {
    case MODE.read:
      return memory.readable(region, at, size)
    case MODE.write:
      return memory.writable(region, at, size)
    case MODE.atomic:
      return memory.atomic(region, at, size)
    default:
      return memory.argument(region, at, size)
  }
}

interface Compiled {
  readonly module: WasmModule
  readonly isTracked: boolean
  readonly isPlain: boolean
  readonly isFor: (other: Program) => boolean
}

/** The same instructions with maps of the same shape are one module, whoever loads them. */
const modules = new Alike<Compiled>(256)

const compiled = (program: Program, isPlain: boolean): Compiled =>
  modules.find(program, (one) => one.isPlain === isPlain && one.isFor(program)) ??
  modules.add(program, compile(program, isPlain))

function compile(program: Program, isPlain: boolean): Compiled {
  const { bytes, isTracked, isFor } = translate(program, isPlain)
  try {
    return { module: newModule(bytes), isTracked, isPlain, isFor }
  } catch (error) {
    // Engines have limits that the standard does not name: of nested blocks, of branches in a table, of memory.
    const { length } = program.instructions
    const why = error instanceof Error ? error.message : String(error)
    throw refusal(`program "${program.name}" of ${length} instructions is too much for WebAssembly here`, why)
  }
}
