/**
 * The user-space machine against the kernel's JIT: the same programs (those of the comparison `codegen`), tables and packets. That
 * verdicts and packets are the same is checked before anything is measured. Nanoseconds are those of many runs on one packet,
 * less those of an empty program: the median of interleaved rounds, the mean of a case's packets.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../src/backend/machine.ts'
import { equal } from '../src/base/bytes.ts'
import { mapsOf } from '../src/compiler/compile.ts'
import { controlTable } from '../src/engine/control/tables.ts'
import { ALU, CLASS, JMP } from '../src/isa/opcodes.ts'
import { type Program, slotsOf } from '../src/isa/program.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { KernelProgram } from '../src/kernel/programs.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { ProgramHandle } from '../src/vm/program.ts'
import { type Imported, instantiateRun, newMemory, newModule } from '../src/vm/wasm/engine.ts'
import { IMPORT, isFound, translate } from '../src/vm/wasm/module.ts'
import { tableOf } from '../src/vm/wasm/table.ts'
import { interpreted } from '../test/reference/interpreter.ts'
import { type CodegenCase, compileCase, FOLDER } from './codegen.ts'
import { type Case, type Comparison, chosen, mean, median, part } from './comparison.ts'

/** Runs before those that are timed: by then the translation has been optimised. */
const WARMING = 200_000

const comparison: Comparison = async ({ quick, cases }) => {
  const names = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  )
  const measured: Measured[] = []
  for (const name of chosen(names, cases)) measured.push(await measure(name, quick))
  const of = (pick: (one: Measured) => Omit<Case, 'case' | 'ratio'>) =>
    measured.map((one) => ({ case: one.name, ...pick(one) }))
  return {
    ...part(
      'ns per packet',
      of(({ vm, kernel }) => ({ ours: vm, peer: kernel })),
    ),
    // The other way round than above: how many times as long an interpreter takes.
    interpreter: part(
      'ns per packet: an interpreter, and ours as its peer',
      of(({ vm, interpreter }) => ({ ours: interpreter, peer: vm })),
    ),
    translation: {
      unit: 'ms per 1,000 instructions, warm',
      value: (1000 * sum(measured, 'translation')) / sum(measured, 'instructions'),
    },
    instances: { unit: 'MiB for 10,000 instances', value: instances() },
  }
}

export default comparison

interface Measured {
  readonly name: string
  readonly vm: number
  readonly kernel: number
  readonly interpreter: number
  readonly translation: number
  readonly instructions: number
}

/** Runs a program `times` times on one packet, and gives the nanoseconds that each took. */
type Timed = (packet: Uint8Array, times: number) => number

async function measure(name: string, quick: boolean): Promise<Measured> {
  const { default: given } = (await import(join(FOLDER, name, 'case.ts'))) as { default: CodegenCase }
  const { cube, compileOurs } = await compileCase(name)
  const described = mapsOf(cube, 1)
  const program = compileOurs()
  using kernel = openKernelMachine()
  using vm = openVirtualMachine()
  using interpreter = openVirtualMachine({ engine: interpreted })
  const on = (machine: Machine) => {
    const maps = Object.fromEntries(
      Object.entries(described).map(([map, description]) => [map, machine.createMap(map, description)]),
    )
    const tables = Object.fromEntries(
      Object.entries(cube.state).flatMap(([map, table]) =>
        maps[map] === undefined ? [] : [[map, controlTable(table, maps[map])]],
      ),
    )
    const loaded = machine.load(program, maps)
    const empty = machine.load(EMPTY, {})
    const prepare = () => given.prepare(tables, machine.now())
    return { loaded, prepare, time: timed(loaded), nothing: timed(empty) }
  }
  const machines = [on(vm), on(kernel), on(interpreter)] as const

  for (const packet of given.packets) {
    const [a, b, c] = machines.map(({ loaded, prepare }) => {
      prepare()
      return loaded.run(packet)
    })
    if (a === undefined || b === undefined || c === undefined) throw new Error('no result')
    for (const other of [b, c])
      if (a.verdict !== other.verdict || !equal(a.packet, other.packet))
        throw new Error(`${name}: here it returns ${a.verdict}, there ${other.verdict}, or the packets differ`)
  }

  const together = quick ? 20_000 : 200_000
  const repeat = Math.min(given.repeat ?? together, together)
  const rounds = quick ? 5 : 15
  // A few runs at a time are often interrupted, and the first of them finds cold caches: more rounds of them.
  const sets = repeat < together ? rounds * 50 : rounds
  const samples = given.packets.map(() => machines.map(() => ({ runs: [] as number[], nothing: [] as number[] })))
  for (const [index, packet] of given.packets.entries()) {
    for (const { prepare, time, nothing } of machines.slice(0, 1)) {
      prepare()
      for (let run = 0; run < WARMING; run += repeat) time(packet, repeat)
      for (let run = 0; run < WARMING; run += repeat) nothing(packet, repeat)
    }
    for (let set = 0; set < sets; set++) {
      for (const [which, { prepare, time, nothing }] of machines.entries()) {
        // The interpreter is slow, and needs no more than a part of the runs.
        const times = which === 2 ? Math.min(repeat, 10_000) : repeat
        prepare()
        samples[index]?.[which]?.runs.push(time(packet, times))
        samples[index]?.[which]?.nothing.push(nothing(packet, times))
      }
    }
  }
  const [ours = 0, peer = 0, loop = 0] = machines.map((_, which) =>
    mean(samples.map((one) => median(one[which]?.runs ?? []) - median(one[which]?.nothing ?? []))),
  )
  return {
    name,
    vm: ours,
    kernel: peer,
    interpreter: loop,
    translation: translation(program, quick),
    instructions: slots(program),
  }
}

/** Of a few runs, many times the few: a clock is not read in nanoseconds. */
function timed(loaded: unknown): Timed {
  const many = (times: number) => Math.ceil(FEW / times)
  if (loaded instanceof KernelProgram)
    return (packet, times) => mean(Array.from({ length: many(times) }, () => loaded.time(packet, times)))
  if (!(loaded instanceof ProgramHandle)) throw new Error('not a program that can be timed')
  return (packet, times) => {
    const from = process.hrtime.bigint()
    for (let set = 0; set < many(times); set++) loaded.repeat(packet, times)
    return Number(process.hrtime.bigint() - from) / times / many(times)
  }
}

/** Fewer runs are not timed. */
const FEW = 50

/** Translations before those that are timed: by then the translator itself has been compiled. */
const TRANSLATIONS = 400

let modules = 0

const slots = ({ instructions }: Program): number => instructions.reduce((all, one) => all + slotsOf(one), 0)

const sum = (measured: readonly Measured[], what: 'translation' | 'instructions'): number =>
  measured.reduce((all, one) => all + one[what], 0)

/** Milliseconds from a program to the end of its first run, which compiles what it needs. */
function translation(program: Program, quick: boolean): number {
  const memory = newMemory(16, 65_536)
  const once = () => {
    const from = performance.now()
    const { bytes } = translate(program, false)
    // A section of its own (its name is empty): otherwise the engine would find what it has compiled before.
    modules++
    const unlike = new Uint8Array(bytes.length + 7)
    unlike.set(bytes)
    unlike.set([0, 5, 0, modules, modules >> 8, modules >> 16, modules >> 24], bytes.length)
    const maps = Object.values(program.maps)
    const finds = maps.filter(isFound).map(() => nothing)
    const run = instantiateRun(newModule(unlike), {
      memory,
      table: tableOf([stop, stop, nothing, ...finds]),
      ...Object.fromEntries(maps.map((_, map) => [IMPORT.descriptor(map), 0])),
    })
    try {
      run()
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    return performance.now() - from
  }
  for (let round = 0; round < TRANSLATIONS; round++) once()
  return median(Array.from({ length: quick ? 20 : 100 }, once))
}

const nothing: Imported = (_, __, ___, ____, _____) => -1

/** Where a packet of no bytes ends. */
const stop: Imported = (_, __, ___, ____, _____) => {
  throw new RangeError('a program that came to its end')
}

/** In a process of its own. */
function instances(): number {
  const script = join(import.meta.dirname, 'instances.ts')
  return Number(execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', script], { encoding: 'utf8' }))
}

const EMPTY: Program = {
  name: 'empty',
  hook: 'tc',
  maps: {},
  lines: [],
  stack: 0,
  instructions: [
    { opcode: CLASS.alu64 | ALU.mov, dst: 0, src: 0, offset: 0, imm: 0 },
    { opcode: CLASS.jmp | JMP.exit, dst: 0, src: 0, offset: 0, imm: 0 },
  ],
}
