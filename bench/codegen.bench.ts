/**
 * Our compiler against clang-19 -O2 -mcpu=v3: the same algorithms, maps and packets. That verdicts and packets are the same
 * is checked before anything is measured; tables are not compared, as they hold times. Nanoseconds are those of
 * BPF_PROG_TEST_RUN less those of an empty program: the lower quartile of interleaved rounds, because what interrupts them only
 * ever makes them longer, and the mean of a case's packets.
 *
 * The kernel puts machine code at random addresses, and a loop can take half as long again at one as at another. So each program is
 * loaded several times, with tables of its own each time, and the rounds take turns.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { equal } from '../src/base/bytes.ts'
import { mapsOf } from '../src/compiler/compile.ts'
import { controlTable } from '../src/engine/control/tables.ts'
import { type Program, slotsOf } from '../src/isa/program.ts'
import { programInfo } from '../src/kernel/bpf.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { KernelProgram } from '../src/kernel/programs.ts'
import { compileBridge } from './bridge.ts'
import { compileC } from './clang.ts'
import { type CodegenCase, compileCase, FOLDER } from './codegen.ts'
import { type Case, type Comparison, chosen, lowerQuartile, mean, median, part } from './comparison.ts'
import { EMPTY } from './empty.ts'

/** Compilations of everything before any is timed: by then the compiler itself has been compiled. */
const WARMING = 200

/** How often each program is loaded. */
const COPIES = 8

const comparison: Comparison = async ({ quick, cases }) => {
  const names = readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  )
  const bridge = await compileBridge()
  const prepared = await Promise.all(
    chosen(names, cases).map(async (name) => ({ name, ...(await compileCase(name)), ourTimes: [] as number[] })),
  )
  for (let round = 0; round < WARMING; round++) {
    bridge()
    for (const { compileOurs } of prepared) compileOurs()
  }
  const bridges: number[] = []
  // All of it before anything else is done: when V8 finds time to clean up, it forgets much of what it has compiled.
  for (let round = 0; round < (quick ? COPIES : 4 * COPIES); round++) {
    bridges.push(timed(bridge))
    for (const { compileOurs, ourTimes } of prepared) ourTimes.push(timed(compileOurs))
  }
  const measured: Measured[] = []
  for (const one of prepared) measured.push(await measure(one, quick))
  const of = (pick: (one: Measured) => Omit<Case, 'case' | 'ratio'>) =>
    measured.map((one) => ({ case: one.name, ...pick(one) }))
  return {
    ...part(
      'ns per packet',
      of(({ nanoseconds }) => nanoseconds),
    ),
    instructions: part(
      'instructions',
      of(({ instructions }) => instructions),
    ),
    verified: part(
      'instructions the verifier processed',
      of(({ verified }) => verified),
    ),
    compile: part(
      'ms, warm',
      of(({ milliseconds }) => milliseconds),
    ),
    memory: part(
      'KiB at most: what the first compilation adds to our process, and all of clang',
      of(({ memory }) => memory),
    ),
    bridge_ms: median(bridges),
  }
}

export default comparison

interface Pair {
  readonly ours: number
  readonly peer: number
}

interface Measured {
  readonly name: string
  readonly nanoseconds: Pair
  readonly instructions: Pair
  readonly verified: Pair
  readonly milliseconds: Pair
  readonly memory: Pair
}

type Prepared = { readonly name: string; readonly ourTimes: readonly number[] } & Awaited<
  ReturnType<typeof compileCase>
>

async function measure({ name, cube, compileOurs, ourTimes }: Prepared, quick: boolean): Promise<Measured> {
  const { default: given } = (await import(join(FOLDER, name, 'case.ts'))) as { default: CodegenCase }
  const described = mapsOf(cube, 1)
  const program = compileOurs()
  const rounds = quick ? COPIES : 4 * COPIES
  const peers = Array.from({ length: quick ? 1 : 5 }, () => compileC(join(FOLDER, name, 'peer.c'), 'peer', described))
  const [peer] = peers
  if (peer === undefined) throw new Error('no peer')

  using machine = openKernelMachine()
  const load = (one: Program) => {
    const maps = Object.fromEntries(
      Object.entries(described).map(([map, description]) => [map, machine.createMap(map, description)]),
    )
    const loaded = machine.load(
      one,
      Object.fromEntries(
        Object.keys(one.maps)
          .map((map) => [map, maps[map]])
          .filter((entry) => entry[1]),
      ),
    )
    if (!(loaded instanceof KernelProgram)) throw new Error('not a program of the kernel')
    const tables = Object.fromEntries(
      Object.entries(cube.state).flatMap(([map, table]) =>
        maps[map] === undefined ? [] : [[map, controlTable(table, maps[map])]],
      ),
    )
    return { loaded, prepare: () => given.prepare(tables, machine.now()), tables }
  }
  const copies = Array.from({ length: COPIES }, () => ({ ours: load(program), theirs: load(peer.program) }))
  const [{ ours, theirs } = missing(), empty] = [copies[0], load(EMPTY)]

  for (const packet of given.packets) {
    ours.prepare()
    theirs.prepare()
    const [a, b] = [ours.loaded.run(packet), theirs.loaded.run(packet)]
    if (a.verdict !== b.verdict || !equal(a.packet, b.packet))
      throw new Error(`${name}: ours returns ${a.verdict}, the peer ${b.verdict}, or the packets differ`)
  }

  const together = quick ? 50_000 : 500_000
  const repeat = Math.min(given.repeat ?? together, together)
  // A few runs at a time are often interrupted, and the first of them finds cold caches: more rounds of them.
  const sets = repeat < together ? rounds * 40 : rounds
  const samples = given.packets.map(() => ({ ours: [] as number[], peer: [] as number[], nothing: [] as number[] }))
  for (let set = 0; set < sets; set++) {
    for (const [index, packet] of given.packets.entries()) {
      const copy = copies[set % COPIES] ?? missing()
      const time = ({ prepare, loaded }: typeof ours) => {
        prepare()
        return loaded.time(packet, repeat)
      }
      samples[index]?.nothing.push(empty.loaded.time(packet, repeat))
      samples[index]?.ours.push(time(copy.ours))
      samples[index]?.peer.push(time(copy.theirs))
    }
  }
  const slots = (one: Program) => one.instructions.reduce((sum, instruction) => sum + slotsOf(instruction), 0)
  return {
    name,
    nanoseconds: {
      ours: mean(samples.map((one) => lowerQuartile(one.ours) - lowerQuartile(one.nothing))),
      peer: mean(samples.map((one) => lowerQuartile(one.peer) - lowerQuartile(one.nothing))),
    },
    instructions: { ours: slots(program), peer: slots(peer.program) },
    verified: { ours: verified(ours.loaded), peer: verified(theirs.loaded) },
    milliseconds: { ours: median(ourTimes), peer: median(peers.map((one) => one.milliseconds)) },
    memory: { ours: memoryOf(name), peer: median(peers.map(({ memory }) => memory)) },
  }
}

function missing(): never {
  throw new Error('no copy')
}

function verified({ fd }: KernelProgram): number {
  const info = programInfo(fd)
  if (typeof info === 'number') throw new Error(`no information about a program: ${-info}`)
  return info.verified
}

/** In a process of its own: this one has compiled before. At least 1. */
function memoryOf(name: string): number {
  const script = join(import.meta.dirname, 'memory.ts')
  return Math.max(1, Number(execFileSync(process.execPath, ['--import', 'tsx', script, name], { encoding: 'utf8' })))
}

function timed(work: () => unknown): number {
  const start = performance.now()
  work()
  return performance.now() - start
}
