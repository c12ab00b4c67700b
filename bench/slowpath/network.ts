/** A graph of one instance on a pair of interfaces, and a thread that sends packets into it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Held } from '../../src/base/held.ts'
import { builtinCubes } from '../../src/daemon/host.ts'
import { Engine } from '../../src/engine/engine.ts'
import { MemoryRecords } from '../../src/engine/plan/records.ts'
import { readGraph } from '../../src/engine/read/read.ts'
import { openKernelMachine } from '../../src/kernel/machine.ts'
import { changeLink, createVeth, deleteLink } from '../../src/kernel/netlink/link.ts'
import { packet } from '../../src/testing/packet.ts'

const GRAPH = `slowpath-${process.pid}`
const INSTANCE = 'punter'

/** The instance is on the first of these, and packets come from the second. */
export async function openNetwork(inner: string, outer: string) {
  const held = new Held()
  deleteLink(inner)
  createVeth({ name: inner }, { name: outer })
  held.use({ [Symbol.dispose]: () => void deleteLink(inner) })
  for (const end of [inner, outer]) changeLink(end, { up: true, silent: true })
  const machine = held.use(openKernelMachine())
  const [catalogue, lock] = [builtinCubes(), async () => new Held()]
  const engine = new Engine({ machine, catalogue, records: new MemoryRecords(), lock })
  const ports = { a: { interface: inner } }
  const graph = { graph: GRAPH, instances: { [INSTANCE]: { cube: './punter', ports } } }
  await engine.apply(await readGraph(join(import.meta.dirname, 'graph.yaml'), JSON.stringify(graph), catalogue))
  const control = await engine.control(GRAPH)
  return {
    machine,
    control,
    received: async () => (await engine.status(GRAPH)).instances[0]?.ports[0]?.sent.packets ?? 0n,
    async close() {
      await engine.delete(GRAPH)
      held[Symbol.dispose]()
    },
  }
}

/** Sends frames of 60 bytes of ever new flows by an interface. */
export function produce(name: string, ahead: number) {
  const frame = packet().ethernet().ipv4().udp().payload(new Uint8Array(18)).bytes()
  const state = new Int32Array(new SharedArrayBuffer(12))
  const worker = new Worker(new URL('producer.js', import.meta.url), { workerData: { name, frame, ahead, state } })
  return {
    /** Until the first packets have been sent. */
    async begun(): Promise<void> {
      while (Atomics.load(state, 2) === 0) await setTimeout(10)
    },
    /** So many are not on their way any more. */
    handled(count: number): void {
      Atomics.store(state, 1, count)
      Atomics.notify(state, 1)
    },
    async end(): Promise<void> {
      Atomics.store(state, 0, 1)
      Atomics.notify(state, 1)
      await once(worker, 'exit')
    },
  }
}

/** Nanoseconds that this thread has had a processor. */
export const busy = (): number => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0])
