/** One random data plane with its packets and tables, and what everybody makes of it. */
import { resolve } from 'node:path'
import { Unending } from '../../src/backend/unending.ts'
import { toHex } from '../../src/base/bytes.ts'
import { Refusal } from '../../src/base/diagnostic.ts'
import { type Comparisons, comparisonsAfter } from '../../src/compiler/assembly.ts'
import { compile, type DataPlaneSource, dataPlaneOf, type Specialisation, toTyped } from '../../src/compiler/compile.ts'
import { Excess } from '../../src/compiler/excess.ts'
import { HOOKS } from '../../src/compiler/lower/hooks.ts'
import { loadModules, type Modules, parseModule } from '../../src/compiler/modules.ts'
import type { Hook, Program } from '../../src/isa/program.ts'
import { type Bench, CPUS, type Outcome, outcomeOf, wiring } from './bench.ts'
import { type Constructs, count } from './constructs.ts'
import { sample } from './cube.ts'
import type { Choose } from './generate/draft.ts'
import { type Generated, generate } from './generate/program.ts'
import { interpret, type TableContents } from './interpret.ts'
import { Unforeseeable } from './packet.ts'
import { packetOf } from './packets.ts'
import { tablesOf } from './world.ts'

export interface Trial extends Generated {
  readonly packets: readonly Uint8Array[]
  readonly tables: TableContents
  readonly now: bigint
  readonly hook: Hook
  /** As for a program of which the verifier would see no end. */
  readonly comparisons?: Comparisons
}

/** What went wrong with a trial. `excess`: nothing, but it is over a limit that the language has, and says so. */
export interface Complaint {
  readonly kind: 'refusal' | 'disagreement' | 'crash' | 'excess'
  readonly by: string
  readonly message: string
}

/** Each program gets so many packets, one after the other on the same tables. */
const PACKETS = 6
const TABLES = Object.keys(sample.state) as (keyof typeof sample.state)[]

/** `program` chooses what is written, `world` what it is run on. */
export function trialOf(program: Choose, world: Choose, stress = false): Trial {
  const trial = onWorld(generate(program, stress), world)
  return stress ? { ...trial, comparisons: STRESSED[world(STRESSED.length)] ?? 'planned' } : trial
}

const STRESSED = ['hidden', 'bounded', 'hidden', 'planned'] as const

/** A program with packets and tables. */
export function onWorld(generated: Generated, world: Choose, hook?: Hook): Trial {
  const packets = Array.from({ length: PACKETS }, () => packetOf(world))
  const now = BigInt(world(1 << 30)) * BigInt(1 + world(1 << 30))
  const used = TABLES.filter((name) => generated.text.includes(`state.${name}.`))
  const tables = tablesOf(world, used, packets)
  return { ...generated, packets, tables, now, hook: hook ?? (world(3) === 0 ? 'xdp' : 'tc') }
}

const path = resolve(import.meta.dirname, 'generated.ts')

/** What every generated module imports. */
export const loadShared = (): Promise<Modules> => loadModules(resolve(import.meta.dirname, 'cube.ts'))

/**
 * Compiles the data plane, runs it on each machine, and compares with the outcome that is right. What it is made of is
 * added to `constructs`.
 */
export function judge(
  modules: Modules,
  trial: Trial,
  benches: readonly Bench[],
  constructs?: Constructs,
): Complaint | undefined {
  const { packets, tables, now, hook } = trial
  const compiled = attempted('compiler', () => {
    const given = sourceOf(modules, trial)
    return { program: compile(...given), typed: toTyped(...given) }
  })
  if ('kind' in compiled) return compiled
  if (constructs !== undefined) count(constructs, compiled.typed)
  const world = {
    cube: sample,
    hook,
    wiring,
    tables: copyOf(tables),
    counters: new Map<number, [bigint, bigint]>(),
    events: new Map<string, Uint8Array[]>(),
    now,
  }
  const results = foreseen(() => packets.map((packet) => interpret(compiled.typed, packet, world)))
  if (results === undefined) return undefined
  const expected = outcomeOf(results, world)
  for (const bench of benches) {
    const by = `${bench.machine.name} (${hook})`
    const found = attempted(by, () => run(modules, trial, bench, compiled.program))
    if ('kind' in found) return found
    const message = difference(expected, found, HOOKS[hook].verdict.drop)
    if (message !== '') return { kind: 'disagreement', by, message }
  }
  return undefined
}

/** As the engine does it, in another form for as long as the verifier comes to no end. */
function run(modules: Modules, trial: Trial, bench: Bench, program: Program): Outcome {
  const { comparisons, tables, packets, now } = trial
  try {
    return bench.run(program, tables, packets, now)
  } catch (error) {
    const next = error instanceof Unending ? comparisonsAfter(comparisons, bench.machine.hasBudgets) : undefined
    if (next === undefined) throw error
    const again = { ...trial, comparisons: next }
    return run(modules, again, bench, compile(...sourceOf(modules, again)))
  }
}

/** Undefined where nobody can say what becomes of a packet. */
function foreseen<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof Unforeseeable) return undefined
    throw error
  }
}

/** The data plane of a trial, as it is checked. */
export const typedOf = (modules: Modules, trial: Trial) => toTyped(...sourceOf(modules, trial))

function sourceOf(
  modules: Modules,
  { text, config, hook, comparisons = 'planned' }: Trial,
): [DataPlaneSource, Specialisation] {
  const module = parseModule(path, text, { default: { cube: sample } })
  const source = dataPlaneOf(new Map([...modules, [path, module]]), path)
  return [source, { name: 'generated', config, port: {}, hook, wiring, clock: 'cell', cpus: CPUS, comparisons }]
}

function attempted<T extends object>(by: string, work: () => T): T | Complaint {
  try {
    return work()
  } catch (error) {
    if (error instanceof Excess) return { kind: 'excess', by, message: error.message }
    if (error instanceof Refusal) return { kind: 'refusal', by, message: error.message }
    return { kind: 'crash', by, message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** What is missing, with `-`, and what should not be there, with `+`. */
function difference(expected: Outcome, found: Outcome, drop: number): string {
  const [a, b] = [linesOf(expected, drop), linesOf(found, drop)]
  const missing = a.filter((line) => !b.includes(line)).map((line) => `- ${line}`)
  return [...missing, ...b.filter((line) => !a.includes(line)).map((line) => `+ ${line}`)].join('\n')
}

const linesOf = ({ results, entries, counters }: Outcome, drop: number): string[] => [
  // Nobody sees what has become of a packet that is dropped.
  ...results.map(
    ({ verdict, packet }, index) => `packet ${index}: ${verdict}, ${verdict === drop ? '' : shown(packet)}`,
  ),
  ...entries,
  ...counters.map((line) => `counter ${line}`),
]

/** Long ones end in zeros, mostly. */
const shown = (packet: Uint8Array): string => {
  const end = packet.findLastIndex((byte) => byte !== 0) + 1
  return packet.length - end < 64 ? toHex(packet) : `${toHex(packet.subarray(0, end))}, ${packet.length - end} zeros`
}

const copyOf = (tables: TableContents): TableContents =>
  Object.fromEntries(
    Object.entries(tables).map(([name, entries]) => [
      name,
      new Map([...entries].map(([key, value]) => [key, value.slice()])),
    ]),
  )
