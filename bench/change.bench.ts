/**
 * A chain of ten cubes is changed again and again while packets pass it: none of them is lost, and none is treated by cubes of two
 * changes. Each cube writes the number of its change into each packet; a program at the other end, in the kernel, compares them.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { Held } from '../src/base/held.ts'
import { builtinCubes } from '../src/daemon/host.ts'
import { forget } from '../src/engine/apply/apply.ts'
import { controlTable } from '../src/engine/control/tables.ts'
import { Engine } from '../src/engine/engine.ts'
import { mapPath } from '../src/engine/graph/paths.ts'
import { MemoryRecords } from '../src/engine/plan/records.ts'
import { readGraph } from '../src/engine/read/read.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { createNamespace, inNamespace, removeNamespace } from '../src/kernel/namespace.ts'
import { changeLink, createVeth } from '../src/kernel/netlink/link.ts'
import { describe as describeTable } from '../src/lang/index.ts'
import { through } from '../src/testing/index.ts'
import { judge } from './change/judge/dataplane.ts'
import { type Comparison, part, type Result } from './comparison.ts'

const [CHANGES, FEW] = [1000, 50]
/** Packets a millisecond. */
const RATE = 20
/** What a change may take, of which the measured one is a part. */
const AIM = 20

const NS = { source: 'bench-change-source', middle: 'bench-change', sink: 'bench-change-sink' }
/** Where a tree of bridges is: so many. */
const TREES = 'bench-change-tree'
const [BRIDGES, FEW_BRIDGES] = [1000, 100]

const comparison: Comparison = async ({ quick }) => {
  using held = new Held()
  const folder = mkdtempSync(join(tmpdir(), 'tessera-change-'))
  held.use({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) })
  for (const name of Object.values(NS)) {
    createNamespace(name)
    held.use({ [Symbol.dispose]: () => void removeNamespace(name) })
  }
  inNamespace(NS.middle, () => {
    createVeth({ name: 'left' }, { name: 'wire', namespace: NS.source })
    createVeth({ name: 'right' }, { name: 'wire', namespace: NS.sink })
    for (const name of ['left', 'right']) changeLink(name, { silent: true, up: true })
  })
  for (const name of [NS.source, NS.sink]) inNamespace(name, () => changeLink('wire', { silent: true, up: true }))
  const count = await openJudge(held)
  const changes = quick ? FEW : CHANGES
  const file = join(folder, 'graph.yaml')
  const changer = start(NS.middle, 'changes.ts', file, String(changes))
  try {
    const changed = text(changer.stdout)
    await once(changer.stdout, 'data')
    const generator = start(NS.source, 'generator.ts', 'wire', String(RATE))
    const generated = text(generator.stdout)
    await once(changer, 'exit')
    generator.stdin.end()
    const sent = Number(await generated)
    await setTimeout(100)
    const { packets, mixed } = count()
    const [, all = '[]', compiled = '[]'] = (await changed).split('\n')
    const [took, other] = [all, compiled].map((line) => (JSON.parse(line) as number[]).toSorted((a, b) => a - b))
    const at = (share: number, of = took): number => of?.[Math.floor(of.length * share)] ?? Number.NaN
    const counted = { changes: took?.length ?? 0, sent, lost: sent - packets, mixed }
    const measured = { ...counted, median_ms: at(0.5), p99_ms: at(0.99), compiled_ms: at(0.5, other) }
    const cases = [{ case: 'ten cubes', ours: at(0.5), peer: AIM }]
    const loads = await loaded(quick ? FEW_BRIDGES : BRIDGES, join(folder, 'tree.yaml'))
    return { ...part('ms from file to effect', cases), ...measured, thousand: await thousand(), loaded: loads }
  } finally {
    changer.kill()
    const remove = start(NS.middle, '../../bin/tessera.js', 'delete', 'bench-change')
    await once(remove, 'exit')
  }
}

export default comparison

/** What bin/load.js tells V8. */
const AS_COMMANDS = ['--interrupt-budget=600000']

function start(
  namespace: string,
  script: string,
  ...words: readonly string[]
): ChildProcessByStdio<Writable, Readable, null> {
  const path = join(import.meta.dirname, 'change', script)
  return inNamespace(namespace, () =>
    spawn(process.execPath, [...AS_COMMANDS, '--import', 'tsx', path, ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
}

/** In a process of its own, which has done nothing before. */
async function thousand(): Promise<{ readonly ms: number; readonly mib: number }> {
  const stitching = start(NS.middle, 'thousand.ts', '1000')
  const { ms, mib } = JSON.parse(await text(stitching.stdout)) as { ms: number; mib: number }
  return { ms, mib }
}

/** A tree of bridges in this kernel, on interfaces of a namespace of its own. */
async function loaded(bridges: number, file: string): Promise<NonNullable<Result['loaded']>> {
  createNamespace(TREES)
  try {
    const loading = start(TREES, 'loaded.ts', String(bridges), file)
    const loads = JSON.parse(await text(loading.stdout)) as Omit<NonNullable<Result['loaded']>, 'bridges'>
    return { bridges, ...loads }
  } finally {
    removeNamespace(TREES)
  }
}

/** Counts what arrives, and gives what was counted. */
async function openJudge(held: Held): Promise<() => { readonly packets: number; readonly mixed: number }> {
  const kernel = held.use(openKernelMachine())
  const machine = through(kernel, (_, run) => inNamespace(NS.sink, run))
  const catalogue = builtinCubes()
  const lock = async () => ({ [Symbol.dispose]() {} })
  const engine = new Engine({ machine, catalogue, records: new MemoryRecords(), lock })
  const name = 'bench-change-judge'
  const cube = join(import.meta.dirname, 'change/judge')
  const graph = `graph: ${name}\ninstances: { judge: { cube: ${cube}, ports: { wire: { interface: wire } } } }\n`
  await engine.apply(await readGraph('judge.yaml', graph, catalogue))
  held.use({ [Symbol.dispose]: () => void forget(machine, machine.pinned(name)) })
  const { seen } = judge.state
  const map = machine.openMap(mapPath(name, 'judge', 'seen'), describeTable(seen))
  if (map === undefined) throw new Error('the judge has no table')
  const table = controlTable(seen, held.use(map))
  return () => {
    const { packets = 0n, mixed = 0n } = table.sum({ index: 0 }) ?? {}
    return { packets: Number(packets), mixed: Number(mixed) }
  }
}
