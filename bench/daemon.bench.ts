/** The daemon against what it is to reach: at rest, at its start, and as it is asked. The peer of each case is the aim. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Client, openClient } from '../src/api/client.ts'
import { ProblemError } from '../src/api/problem.ts'
import { Held } from '../src/base/held.ts'
import type { GraphDocument } from '../src/cube/document.ts'
import { createNamespace, inNamespace, removeNamespace } from '../src/kernel/namespace.ts'
import { changeLink, createVeth } from '../src/kernel/netlink/link.ts'
import { type Comparison, median, part } from './comparison.ts'

const NAME = 'bench-daemon'
const ROOT = join(import.meta.dirname, '..')
const [GRAPHS, INSTANCES_EACH] = [10, 10]
const ENTRIES = 10_000
/** Requests that are on their way at the same time. */
const READERS = 8
/** RFC 6585 section 4. */
const TOO_MANY = 429
/** V8 collects once what the start has left, some 8 s after it (its memory reducer), in milliseconds: that is not rest. */
const SETTLED = 15_000
const AIM = { idle_mib: 120, start_ms: 1_000, read_us: 500, list_ms: 200, get_ms: 250 }

const graphOf = (graph: number): GraphDocument => ({
  graph: `g${graph}`,
  instances: Object.fromEntries(
    Array.from({ length: INSTANCES_EACH }, (_, instance) => {
      const on = (end: string) => ({ interface: `v${graph}-${instance}${end}` })
      return [`s${instance}`, { cube: 'bridge', ports: { a: on('a'), b: on('b') } }]
    }),
  ),
})

const comparison: Comparison = async ({ quick }) => {
  using held = new Held()
  const folder = mkdtempSync(join(tmpdir(), 'tessera-bench-'))
  held.use({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) })
  createNamespace(NAME)
  held.use({ [Symbol.dispose]: () => void removeNamespace(NAME) })
  inNamespace(NAME, makeInterfaces)
  const socket = join(folder, 'socket')
  const client = held.use(openClient({ socket }))
  const tessera = (...words: readonly string[]) => [join(ROOT, 'bin/tessera.js'), ...words, '--socket', socket]
  const begin = () => start(tessera('daemon', '--store', join(folder, 'store'), '--log', 'error'), client)
  let daemon = await begin()
  try {
    for (let graph = 0; graph < GRAPHS; graph++) await client.putGraph({ graph: `g${graph}`, body: graphOf(graph) })
    run(['--import', 'tsx', join(ROOT, 'bench/daemon/fill.ts'), 'g0', 's0', String(ENTRIES)])
    const starts: number[] = []
    for (let round = 0; round < (quick ? 2 : 7); round++) {
      await daemon.end()
      daemon = await begin()
      starts.push(daemon.ms)
      await daemon.ready()
    }
    const settle_ms = await daemon.spent(quick ? 2_000 : SETTLED)
    const idle = await daemon.idle(quick ? 5_000 : 30_000)
    const list = await timed(quick ? 3 : 15, async () => {
      const { body } = await client.listEntries({ graph: 'g0', instance: 's0', table: 'stations', limit: ENTRIES })
      if (body.entries.length !== ENTRIES) throw new Error(`${body.entries.length} entries`)
    })
    const reads = await readsPerSecond(client, quick ? 1_000 : 5_000)
    const get = await timed(quick ? 3 : 15, async () => run(tessera('get', 'graphs')))
    const measured = { ...idle, start_ms: median(starts), list_ms: list, get_ms: get }
    const found = { ...measured, read_us: 1e6 / reads }
    const names = Object.keys(AIM) as (keyof typeof AIM)[]
    return {
      ...part(
        'what it takes, and at most',
        names.map((name) => ({ case: name, ours: found[name], peer: AIM[name] })),
      ),
      ...measured,
      settle_ms,
      reads_per_s: reads,
    }
  } finally {
    run(tessera('down'))
    await daemon.gone
  }
}

export default comparison

function makeInterfaces(): void {
  for (let graph = 0; graph < GRAPHS; graph++)
    for (let instance = 0; instance < INSTANCES_EACH; instance++) {
      const [a, b] = ['a', 'b'].map((end) => `v${graph}-${instance}${end}`)
      createVeth({ name: a ?? '' }, { name: b ?? '' })
      for (const name of [a, b]) changeLink(name ?? '', { silent: true, up: true })
    }
}

const env = { ...process.env, TESSERA_INSTANCE: NAME }

function run(words: readonly string[]): void {
  const { status, stderr } = inNamespace(NAME, () =>
    spawnSync(process.execPath, words, { cwd: ROOT, env, encoding: 'utf8' }),
  )
  if (status !== 0) throw new Error(stderr)
}

async function start(words: readonly string[], client: Client) {
  const began = performance.now()
  const child: ChildProcess = inNamespace(NAME, () =>
    spawn(process.execPath, words, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] }),
  )
  const gone = once(child, 'exit')
  const until = async (ask: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      try {
        return void (await ask())
      } catch (error) {
        if (child.exitCode !== null) throw error
        await setTimeout(2)
      }
    }
  }
  await until(() => client.getHealth())
  const ms = performance.now() - began
  const proc = (file: string) => readFileSync(`/proc/${child.pid}/${file}`, 'utf8')
  /** proc(5): user and system time, in ticks of 10 ms. */
  const ticks = () =>
    proc('stat')
      .split(') ')[1]
      ?.split(' ')
      .slice(11, 13)
      .reduce((sum, one) => sum + Number(one), 0) ?? 0
  /** The milliseconds of a core that the process takes while so many pass. */
  const spent = async (milliseconds: number): Promise<number> => {
    const before = ticks()
    await setTimeout(milliseconds)
    return (ticks() - before) * 10
  }
  return {
    ms,
    spent,
    gone,
    ready: () => until(() => client.getReadiness()),
    async end() {
      child.kill('SIGTERM')
      await gone
    },
    async idle(milliseconds: number) {
      const idle_percent = ((await spent(milliseconds)) * 100) / milliseconds
      const [, kibibytes] = /^VmRSS:\s*(\d+) kB$/m.exec(proc('status')) ?? []
      return { idle_mib: Number(kibibytes) / 1024, idle_percent }
    },
  }
}

/** The median of some rounds, in milliseconds. */
async function timed(rounds: number, work: () => Promise<void>): Promise<number> {
  await work()
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  }
  return median(times)
}

/** No more than the daemon lets one ask for in a second. */
async function readsPerSecond(client: Client, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds
  let reads = 0
  const reader = async (): Promise<void> => {
    while (performance.now() < end)
      try {
        await client.getGraph({ graph: `g${reads % GRAPHS}` })
        reads++
      } catch (error) {
        if (!(error instanceof ProblemError) || error.problem.status !== TOO_MANY) throw error
        await setTimeout(10)
      }
  }
  await Promise.all(Array.from({ length: READERS }, reader))
  // Whoever asks next may ask again.
  await setTimeout(1_000)
  return (reads * 1000) / milliseconds
}
