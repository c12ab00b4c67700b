/**
 * TypeScript → eBPF. The stages, in order, each in the file of its name; what one gives the next is plain data.
 *
 *     loadModules   text and live values of the data plane's module and of those it imports
 *     narrow        syntax → the small tree                      (called by check, function by function)
 *     check         the small tree → the typed tree
 *     calls         which functions are called, which are compiled in
 *     lower         the typed tree → SSA, a graph for each function that is called
 *     optimise      SSA → less of it
 *     select        SSA → instructions on virtual registers
 *     allocate      virtual registers → r0 to r9 and the stack
 *     effort        will the verifier come to an end with it?
 *     tidy          jumps to jumps
 *     emit          → Program
 */
import { type Diagnostic, Refusal, refusal } from '../base/diagnostic.ts'
import { LIMIT } from '../isa/opcodes.ts'
import type { Hook, MapDescription, Program } from '../isa/program.ts'
import { describe, puntsMap, type Table } from '../lang/index.ts'
import { allocate } from './allocate.ts'
import { check } from './check.ts'
import { Functions } from './check-function.ts'
import type { Cube } from './cube.ts'
import { checkEffort } from './effort.ts'
import { emit } from './emit.ts'
import type { Graph } from './ir.ts'
import { lower } from './lower.ts'
import { loadModules, type Module, type Modules } from './modules.ts'
import type { FunctionSyntax } from './narrow.ts'
import { optimise } from './passes/optimise.ts'
import { usedGraphs } from './passes/unused.ts'
import { select } from './select.ts'
import { tidy } from './tidy.ts'
import { VERDICT } from './typed.ts'
import { clockMap, countersMap, exitsMap, MAP, type Wiring } from './wiring.ts'

/** A data plane, read and parsed: what every instance of a cube is compiled from. */
export interface DataPlaneSource {
  readonly cube: Cube
  readonly modules: Modules
  readonly module: Module
  readonly syntax: FunctionSyntax
}

/** What makes an instance of a cube, at one of its ports, out of the cube: all of it constant in the program. */
export interface Specialisation {
  /** The program's name, in the kernel and in its tools. */
  readonly name: string
  readonly config: Readonly<Record<string, unknown>>
  /** Configuration of the port that packets come in by. */
  readonly port: Readonly<Record<string, unknown>>
  readonly wiring: Wiring
  /** What the program is for: TC unless said otherwise. */
  readonly hook?: Hook
  /** For TC: whether packets have arrived, or are about to leave. */
  readonly direction?: 'ingress' | 'egress'
  /** `returned`: verdicts become return values, and nothing is counted. */
  readonly verdicts?: 'wired' | 'returned'
  /** `cell`: `now()` reads a map named `clock` instead of the kernel's clock. */
  readonly clock?: 'kernel' | 'cell'
  /** `none`: all functions are compiled in. */
  readonly calls?: 'planned' | 'none'
}

/** Reads a cube's `dataplane.ts`. A Refusal where it cannot be parsed, or is no data plane. */
export async function readDataPlane(path: string): Promise<DataPlaneSource> {
  return dataPlaneOf(await loadModules(path), path)
}

/** The data plane in one of some modules. A Refusal where it is none. */
export function dataPlaneOf(modules: Modules, path: string): DataPlaneSource {
  const module = modules.get(path)
  const live = module?.values.default as { cube?: Cube } | undefined
  const call = module?.default
  const syntax = call?.type === 'CallExpression' ? call.arguments[1] : undefined
  const isFunction = syntax?.type === 'ArrowFunctionExpression' || syntax?.type === 'FunctionExpression'
  if (module === undefined || live?.cube === undefined || !isFunction)
    throw refusal(
      `${module?.file ?? path} is no data plane`,
      'write export default dataplane(cube, (packet, { drop, … }) => { … })',
    )
  return { cube: live.cube, modules, module, syntax }
}

/** Compiles. A Refusal with every diagnostic found, where there is one. */
export function compile(source: DataPlaneSource, options: Specialisation): Program {
  const program = generate(source, options)
  // The frames of functions that call each other add up; what is compiled in shares one.
  return program.stack <= LIMIT.stack ? program : generate(source, { ...options, calls: 'none' })
}

function generate(source: DataPlaneSource, options: Specialisation): Program {
  const code = toGraphs(source, options).map(select)
  code.forEach(allocate)
  checkEffort(code)
  code.forEach(tidy)
  const { name, hook = 'tc', wiring } = options
  return emit(code, { name, hook, maps: mapsOf(source.cube, wiring.capacity, hook) })
}

/** The first third of {@link compile}: the typed tree. */
export function toTyped({ cube, modules, module, syntax }: DataPlaneSource, options: Specialisation) {
  const diagnostics: Diagnostic[] = []
  const { config, wiring, hook = 'tc' } = options
  const port = { ...options.port, id: wiring.port }
  const functions = new Functions()
  const typed = check({ modules, cube, hook, config, port, diagnostics, functions, nextVariable: 0 }, module, syntax)
  if (diagnostics.length > 0) throw new Refusal(inOrder(diagnostics))
  return typed
}

/** From top to bottom, whichever stage found them; files in the order in which something was found in them. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const files = diagnostics.map(({ place }) => place?.file)
  const key = ({ place }: Diagnostic): readonly number[] => [
    files.indexOf(place?.file),
    place?.line ?? 0,
    place?.column ?? 0,
  ]
  const difference = (a: Diagnostic, b: Diagnostic): number => {
    const [left, right] = [key(a), key(b)]
    return left.map((value, index) => value - (right[index] ?? 0)).find((one) => one !== 0) ?? 0
  }
  return [...diagnostics].sort(difference)
}

/** The second third: SSA as it is first built, of the program and of the functions that it calls. */
export function toUnoptimised(source: DataPlaneSource, options: Specialisation): Graph[] {
  const { cube, module, syntax } = source
  const { name, wiring, verdicts, hook = 'tc', direction = 'ingress', clock = 'kernel', calls = 'planned' } = options
  const at = { source: module, span: syntax }
  const body = toTyped(source, options)
  const main = { name, parameters: [], body, result: VERDICT, moves: false, changes: [], writes: [], redirects: [], at }
  return lower(main, { cube, hook, direction, wiring, verdicts, clock, calls })
}

/** Optimised SSA, ready for selection. */
export function toGraphs(source: DataPlaneSource, options: Specialisation): Graph[] {
  const graphs = toUnoptimised(source, options)
  graphs.forEach(optimise)
  return usedGraphs(graphs)
}

/**
 * The maps that an instance's programs share: the tables of its schema, its counters, the clock that tests move, and for
 * XDP what its ports lead to.
 */
export const mapsOf = (cube: Cube, capacity: number, hook: Hook = 'tc'): Readonly<Record<string, MapDescription>> => ({
  ...Object.fromEntries(Object.entries(cube.state).map(([name, table]: [string, Table]) => [name, describe(table)])),
  [MAP.counters]: countersMap(cube, capacity),
  [MAP.clock]: clockMap,
  ...(Object.keys(cube.punts ?? {}).length > 0 ? { [MAP.punts]: puntsMap() } : {}),
  ...(hook === 'xdp' ? { [MAP.exits]: exitsMap(capacity) } : {}),
})
