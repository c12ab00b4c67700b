/**
 * Modules of others run when they are imported. Of one that ends the process then, or that never comes to an end, nobody would hear a
 * word: a thread notices the one, a listener the other, and both say which it was, and where.
 */
import { writeSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker } from 'node:worker_threads'
import { render } from '../base/diagnostic.ts'
import { importFile } from '../base/import.ts'
import { placeInStack, shown } from './stack.ts'

/** Milliseconds without a turn of the event loop: of the CPU's, and of anybody's. */
const MOST = { cpuTime: 5000, time: 30_000 }
/** Milliseconds. Often several modules are imported one after the other. */
const LINGERS = 1000
const BEATS = 200
const SETTLES = 20

/** What lies here is Tessera's own. */
const OWN = join(import.meta.dirname, '..') + sep
const THREAD = new URL('../../bin/watch-import.js', import.meta.url)
/** By this symbol's name the thread finds {@link halted}. */
const NAME = 'tessera.halted'

/** What `import()` of a file gives. A module that is not Tessera's is watched over meanwhile. */
export async function watchedImport(url: string): Promise<Readonly<Record<string, unknown>>> {
  const path = fileURLToPath(url)
  // Whoever has threads for the code of others watches over those.
  if (path.startsWith(OWN) || !isMainThread) return await importFile(url)
  const end = begin(path)
  try {
    return await importFile(url)
  } finally {
    end()
  }
}

/** What is being imported. */
const open = new Set<{ readonly path: string }>()
const beats = new Int32Array(new SharedArrayBuffer(4))
let thread: Worker | undefined
let beating: NodeJS.Timeout | undefined
let lingering: NodeJS.Timeout | undefined

function begin(path: string): () => void {
  const one = { path }
  if (open.size === 0) start()
  open.add(one)
  thread?.postMessage(shown(path))
  return () => {
    open.delete(one)
    if (open.size === 0) stop()
  }
}

function start(): void {
  clearTimeout(lingering)
  beat()
  beating = setInterval(beat, BEATS).unref()
  process.on('exit', exited)
  Object.assign(globalThis, { [Symbol.for(NAME)]: halted })
  try {
    thread ??= begun()
  } catch {
    // This process may begin no threads.
  }
}

function begun(): Worker {
  const worker = new Worker(THREAD, { workerData: { beats, most: MOST, name: NAME }, execArgv: [] })
  worker.unref()
  // Then nobody watches, and that is all.
  worker.once('error', () => undefined)
  return worker
}

function stop(): void {
  clearInterval(beating)
  Atomics.store(beats, 0, 0)
  process.off('exit', exited)
  lingering = setTimeout(() => {
    void thread?.terminate()
    thread = undefined
  }, LINGERS).unref()
}

function beat(): void {
  if (Atomics.add(beats, 0, 1) < 0) Atomics.store(beats, 0, 1)
}

/** Whether the process has to end. The innermost of the calls is the thread's. */
function halted({ stack = '' }: Error): boolean {
  const calls = stack.split('\n').filter((line) => !line.includes('(eval at '))
  if (!tell(calls.join('\n'), 'does not come to an end while it is imported')) return false
  process.off('exit', exited)
  process.exitCode = 1
  // What is running goes no further; Node.js would tell people to wait for the thread, if that were still asking.
  const end = () => setTimeout(() => process.exit(), SETTLES)
  thread?.once('message', end)
  setTimeout(end, LINGERS)
  return true
}

function exited(): void {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = 100
  const { stack = '' } = new Error()
  Error.stackTraceLimit = before
  if (tell(stack, 'ended the process while it was imported')) process.exitCode = 1
}

/** Says what a module does, if it is one: Tessera itself may be at work between two of them. */
function tell(stack: string, what: string): boolean {
  const [first] = open
  const one = [...open].find(({ path }) => placeInStack(stack, dirname(path)) !== undefined) ?? first
  if (one === undefined) return false
  const place = placeInStack(stack, dirname(one.path))
  if (place === undefined && !stack.includes('node:internal/modules/esm/module_job')) return false
  const remedy = 'a module runs when it is imported: it must come to its end, and leave the process alone'
  writeSync(2, `${render({ message: `${shown(one.path)} ${what}`, place, remedy })}\n`)
  return true
}
