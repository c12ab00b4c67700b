/**
 * TypeScript → eBPF. The stages, in order, each in the file or the folder of its name; what one gives the next is plain data.
 *
 *     loadModules   text and live values of the data plane's module and of those it imports
 *     narrow        syntax → the small tree                      (called by check, function by function)
 *     check         the small tree → the typed tree
 *     calls         which functions are called, which are compiled in
 *     lower         the typed tree → SSA, a graph for each function that is called
 *     optimise      SSA → less of it
 *     select        SSA → instructions on virtual registers
 *     allocate      virtual registers → r0 to r9 and the stack
 *     effort        will the verifier come to an end with it? If that is doubtful, once more from check on
 *     tidy          jumps to jumps, and reloads of what is still there
 *     emit          → Program
 */
import { type Diagnostic, Refusal } from '../base/diagnostic.ts'
import { LIMIT } from '../isa/opcodes.ts'
import type { Hook, MapDescription, Program } from '../isa/program.ts'
import { describe, puntsMap, type Table } from '../lang/index.ts'
import { type Assembly, PROGRAMS } from './assembly.ts'
import { check } from './check/check.ts'
import { Functions } from './check/function.ts'
import type { Cube } from './cube.ts'
import { checkEffort, isDoubtful } from './effort.ts'
import { allocate } from './emit/allocate.ts'
import { emit } from './emit/emit.ts'
import type { CodeGraph } from './emit/machine-code.ts'
import { select } from './emit/select.ts'
import { tidy } from './emit/tidy.ts'
import type { Graph } from './ir.ts'
import { lookMaps } from './look.ts'
import { COPIES } from './lower/copies.ts'
import { HOOKS } from './lower/hooks.ts'
import { lower } from './lower/lower.ts'
import { optimise } from './passes/optimise.ts'
import { usedGraphs } from './passes/unused.ts'
import { checkCopied, Decisive, type SharedProgram, using } from './shared.ts'
import type { DataPlaneSource } from './source.ts'
import { type Position, type TypedStatement, U16, VERDICT } from './typed.ts'
import { usedSlots } from './used-slots.ts'
import { alone, type Part, type Specialisation, sortWays, type Whole, wholeOf } from './whole.ts'
import type { Open, Wired } from './wired.ts'
import { cellsMap, clockMap, countersMap, exitsMap, MAP, programsMap } from './wiring.ts'

export { type DataPlaneSource, dataPlaneOf, readDataPlane } from './source.ts'
export { type Specialisation, sortWays } from './whole.ts'

/** Compiles one data plane. A Refusal with every diagnostic found, where there is one. */
export const compile = (source: DataPlaneSource, options: Specialisation): Program =>
  known(generate(alone(source, options)))

/** The same with all data planes that packets meet from one place on. An {@link Excess} where they are too much for one program. */
export const assemble = (assembly: Assembly): Program => known(generate(wholeOf(sortWays(assembly))))

/** The same with numbers that are left open: a {@link Decisive} where they have to be known. Ways are in the order of their ports. */
export const assembleShared = (assembly: Assembly<Open>): SharedProgram => generate(wholeOf(assembly))

/** Whether all data planes are right as they are written, each by itself, with numbers that are left open. */
export function isRight(assembly: Assembly<Open>): boolean {
  try {
    for (const node of wholeOf(assembly).nodes) typed(node, assembly.hook ?? 'tc')
    return true
  } catch (error) {
    if (error instanceof Decisive || error instanceof Refusal) return false
    throw error
  }
}

const known = ({ program, used }: SharedProgram): Program => using(program, used)

function generate(whole: Whole): SharedProgram {
  const shared = generateOnce(whole)
  // The frames of functions that call each other add up; what is compiled in shares one.
  return shared.program.stack <= LIMIT.stack ? shared : generateOnce({ ...whole, calls: 'none' })
}

function generateOnce(whole: Whole): SharedProgram {
  const graphs = optimised(whole)
  graphs.forEach(checkCopied)
  const used = usedSlots(graphs)
  const { name, hook = 'tc', comparisons = 'planned' } = whole
  const code = graphs.map((graph) => select(graph, HOOKS[hook].verdict.drop))
  code.forEach(allocate)
  checkEffort(code)
  const isHidden = comparisons !== 'planned'
  // What is hidden from the verifier is what it knows, and nobody else knows of these what it will.
  if (isHidden && openIn(code).some((one) => one !== undefined)) throw new Decisive('comparisons that are hidden')
  if (!isHidden && isDoubtful(graphs, code)) return generateOnce({ ...whole, comparisons: 'hidden' })
  code.forEach(tidy)
  const [main] = graphs
  const sites = main?.sites === undefined ? {} : { sites: main.sites }
  const program = { ...emit(code, { name, hook, maps: mapsOfWhole(whole) }), ...sites }
  return { program, open: openIn(code), used }
}

/** Of each instruction, what its immediate is. */
function openIn(graphs: readonly CodeGraph[]): (Wired | undefined)[] {
  const open: (Wired | undefined)[] = []
  for (const { blocks } of graphs) for (const { code } of blocks) for (const { wired } of code) open.push(wired)
  return open
}

/** The first third of {@link compile}: the typed tree. */
export const toTyped = (source: DataPlaneSource, options: Specialisation) => {
  const { wiring, config, port, hook = 'tc' } = options
  return typed({ source, config, port, prefix: '', wiring: { ...wiring, ways: [] } }, hook)
}

function typed({ source, config, port, wiring }: Part, hook: Hook) {
  const { direction = 'ingress' } = wiring
  const { cube, modules, module, syntax } = source
  const diagnostics: Diagnostic[] = []
  const given = { modules, cube, hook, config, port: { ...port, id: wiring.port }, direction, diagnostics }
  const tree = check({ ...given, functions: new Functions(), nextVariable: 0 }, module, syntax)
  if (diagnostics.length > 0) throw new Refusal(inOrder(diagnostics))
  return tree
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
export const toUnoptimised = (source: DataPlaneSource, options: Specialisation): Graph[] =>
  unoptimised(alone(source, options))

/** Optimised SSA, ready for selection. */
export const toGraphs = (source: DataPlaneSource, options: Specialisation): Graph[] => optimised(alone(source, options))

/** The same of several data planes. */
export const assembleGraphs = (assembly: Assembly): Graph[] => optimised(wholeOf(sortWays(assembly)))

function unoptimised(whole: Whole): Graph[] {
  const {
    name,
    hook = 'tc',
    direction = 'ingress',
    clock = 'kernel',
    calls = 'planned',
    cpus = 1,
    verdicts,
    look,
    nodes,
    passesMarked,
    isNext,
    comparisons,
  } = whole
  const parts = nodes.map((part) => {
    const { cube, module, syntax } = part.source
    const at = { source: module, span: syntax }
    const body = part.sends === undefined ? typed(part, hook) : sending(part.sends, at)
    const main = {
      name,
      parameters: [],
      body,
      result: VERDICT,
      moves: false,
      changes: [],
      writes: [],
      redirects: [],
      at,
    }
    return { cube, main, prefix: part.prefix, wiring: part.wiring, sends: part.sends !== undefined }
  })
  // What is called is not traced, so nothing is.
  const called = look?.trace === true ? 'none' : calls
  return lower(parts, {
    hook,
    direction,
    verdicts,
    clock,
    calls: called,
    cpus,
    look,
    passesMarked,
    isNext,
    comparisons,
  })
}

/** `return forward(port)` */
function sending(port: number, at: Position): TypedStatement[] {
  const to = { op: 'constant', value: BigInt(port), type: U16, at } as const
  return [{ op: 'return', value: { op: 'forward', port: to, type: VERDICT, at }, at }]
}

function optimised(whole: Whole): Graph[] {
  const graphs = unoptimised(whole)
  for (const graph of graphs) optimise(graph, whole.comparisons)
  return usedGraphs(graphs)
}

/** Those that a program may refer to, by the names that it has for them. */
function mapsOfWhole({ nodes, hook, cpus, look, slots = 0 }: Whole): Readonly<Record<string, MapDescription>> {
  const own = nodes.flatMap(({ source, prefix, wiring }) =>
    Object.entries(mapsOf(source.cube, wiring.capacity, hook, cpus)).map(
      ([name, one]) => [`${prefix}${name}`, one] as const,
    ),
  )
  const seen = look === undefined ? {} : lookMaps(look, cpus)
  return {
    ...Object.fromEntries(own),
    ...seen,
    [MAP.clock]: clockMap,
    [PROGRAMS]: programsMap(slots),
    [COPIES]: cellsMap(cpus),
  }
}

/**
 * The maps that an instance's programs share: the tables of its schema, its counters, the clock that tests move, and for
 * XDP what its ports lead to.
 */
export const mapsOf = (
  cube: Cube,
  capacity: number,
  hook: Hook = 'tc',
  cpus = 1,
): Readonly<Record<string, MapDescription>> => ({
  ...Object.fromEntries(Object.entries(cube.state).map(([name, table]: [string, Table]) => [name, describe(table)])),
  [MAP.counters]: countersMap(cube, capacity, cpus),
  [MAP.clock]: clockMap,
  ...(Object.keys(cube.punts ?? {}).length > 0 ? { [MAP.punts]: puntsMap() } : {}),
  ...(hook === 'xdp' ? { [MAP.exits]: exitsMap(capacity) } : {}),
})
