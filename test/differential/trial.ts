/** One random data plane with its packets and tables, and what everybody makes of it. */
import { resolve } from 'node:path'
import { compile, type DataPlaneSource, dataPlaneOf, type Specialisation, toTyped } from '../../src/compiler/compile.ts'
import { loadModules, type Modules, parseModule } from '../../src/compiler/modules.ts'
import { type Bench, type Outcome, outcomeOf, wiring } from './bench.ts'
import { sample } from './cube.ts'
import { type Choose, type Generated, generate } from './generate.ts'
import { interpret, type TableContents } from './interpret.ts'
import { packetOf, tablesOf } from './world.ts'

export interface Trial extends Generated {
  readonly packets: readonly Uint8Array[]
  readonly tables: TableContents
  readonly now: bigint
}

export function trialOf(choose: Choose): Trial {
  const generated = generate(choose)
  const packets = [packetOf(choose), packetOf(choose), packetOf(choose)]
  const now = BigInt(choose(1 << 30)) * BigInt(1 + choose(1 << 30))
  return { ...generated, packets, tables: tablesOf(choose, packets), now }
}

const path = resolve(import.meta.dirname, 'generated.ts')

/** What every generated module imports. */
export const loadShared = (): Promise<Modules> => loadModules(resolve(import.meta.dirname, 'cube.ts'))

/** The outcome on each machine, and first the one that is right. */
export function outcomes(
  modules: Modules,
  trial: Trial,
  benches: readonly Bench[],
): { expected: Outcome; found: Outcome[] } {
  const { text, config, packets, now } = trial
  const module = parseModule(path, text, { default: { cube: sample } })
  const source: DataPlaneSource = dataPlaneOf(new Map([...modules, [path, module]]), path)
  const options: Specialisation = { name: 'generated', config, port: {}, wiring, clock: 'cell' }
  const program = compile(source, options)
  const found = benches.map((bench) => bench.run(program, trial.tables, packets, now))
  const typed = toTyped(source, options)
  const tables = copyOf(trial.tables)
  const world = { cube: sample, wiring, tables, counters: new Map<number, [bigint, bigint]>(), now }
  const verdicts = packets.map((packet) => interpret(typed, packet, world))
  return { expected: outcomeOf(verdicts, tables, world.counters), found }
}

const copyOf = (tables: TableContents): TableContents =>
  Object.fromEntries(
    Object.entries(tables).map(([name, entries]) => [
      name,
      new Map([...entries].map(([key, value]) => [key, value.slice()])),
    ]),
  )
