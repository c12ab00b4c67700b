/**
 * `npm run bench -- slowpath`: packets that data planes leave to a TypeScript handler, on one thread, and the way back: a flow is
 * installed in a table, and the packet injected where it came from. Nanoseconds of that thread's processor for each; the peer does
 * the same by packet sockets, packet(7), a frame with each call. How many there were in a second is by the clock on the wall, and
 * so no more than the thread on another processor sends.
 */
import { setTimeout } from 'node:timers/promises'
import type { MachineMap } from '../src/backend/machine.ts'
import { OpenControlPlane } from '../src/engine/control/control-plane.ts'
import { into, OpenGate } from '../src/engine/control/gate.ts'
import { controlTable } from '../src/engine/control/tables.ts'
import { RawSocket } from '../src/kernel/raw-socket.ts'
import { describe } from '../src/lang/index.ts'
import { type Comparison, chosen, median, part } from './comparison.ts'
import { busy, openNetwork, produce } from './slowpath/network.ts'
import { punter } from './slowpath/punter/dataplane.ts'

const [INNER, OUTER] = ['tessbench0', 'tessbench1']
const CASES = ['punt', 'round trip'] as const
/** Flows that are on their way at once. */
const AHEAD = 4096

interface Measured {
  readonly nanoseconds: number
  readonly perSecond: number
}

/** While packets come, how much of this thread each takes, and how many there are in a second. */
async function measure(count: () => number, milliseconds: number): Promise<Measured> {
  await setTimeout(milliseconds / 2)
  const [first, cpu, start] = [count(), busy(), performance.now()]
  await setTimeout(milliseconds)
  const packets = count() - first
  if (packets === 0) throw new Error('no packet came')
  return { nanoseconds: (busy() - cpu) / packets, perSecond: (1000 * packets) / (performance.now() - start) }
}

async function ours(what: (typeof CASES)[number], milliseconds: number): Promise<Measured> {
  const network = await openNetwork(INNER, OUTER)
  const { machine, control } = network
  try {
    using _gate = new OpenGate(machine, control.gate)
    const [found] = control.planes
    using sender = machine.openGate(control.gate.name)
    if (found === undefined || sender === undefined) throw new Error('there is no control plane')
    const { folder, slots, ...parts } = found
    let count = 0
    const counting = { ...folder.control, onPunt: () => void count++ }
    const put = into(sender, slots, (lost) => {
      throw new Error(`${lost} packets were not sent`)
    })
    const timers = { after: () => ({ [Symbol.dispose]() {} }) }
    const failed = (error: unknown): never => {
      throw error
    }
    using plane = new OpenControlPlane({
      ...parts,
      machine,
      plane: what === 'punt' ? counting : folder.control,
      timers,
      inject: (packets) => {
        put(packets)
        count += packets.length
      },
      log: console.error,
      failed,
    })
    const producer = produce(OUTER, what === 'punt' ? 0 : AHEAD)
    plane.run(() => producer.handled(count))
    await producer.begun()
    const measured = await measure(() => count, milliseconds)
    await producer.end()
    if (what === 'round trip' && (await network.received()) === 0n) throw new Error('nothing came back')
    return measured
  } finally {
    await network.close()
  }
}

/** By a packet socket at the interface, which also sees what the program takes; the flow goes into the same table. */
async function theirs(what: (typeof CASES)[number], milliseconds: number): Promise<Measured> {
  const network = await openNetwork(INNER, OUTER)
  try {
    using socket = RawSocket.open(INNER)
    using map: MachineMap = network.machine.createMap('flows', describe(punter.state.flows))
    const flows = controlTable(punter.state.flows, map)
    const producer = produce(OUTER, what === 'punt' ? 0 : AHEAD)
    let count = 0
    let isOver = false
    const handle = (): void => {
      for (let batch = 0; batch < 256; batch++) {
        const frame = socket.receive()
        if (frame === undefined) break
        count++
        if (what === 'punt') continue
        flows.set({ source: [...frame.subarray(26, 30)].join('.') }, { port: 0, packets: 0n })
        socket.offer(frame)
      }
      producer.handled(count)
      if (!isOver) setImmediate(handle)
    }
    handle()
    await producer.begun()
    const measured = await measure(() => count, milliseconds)
    isOver = true
    await producer.end()
    return measured
  } finally {
    await network.close()
  }
}

const comparison: Comparison = async ({ quick, cases }) => {
  const [rounds, milliseconds] = quick ? [1, 500] : [5, 2000]
  const names = CASES.filter((name) => chosen(CASES, cases).includes(name))
  const results: { case: string; ours: number; peer: number }[] = []
  const rates: Record<string, number> = {}
  for (const name of names) {
    const measured: { ours: Measured; peer: Measured }[] = []
    for (let round = 0; round < rounds; round++)
      measured.push({ ours: await ours(name, milliseconds), peer: await theirs(name, milliseconds) })
    const of = (which: 'ours' | 'peer') => median(measured.map((one) => one[which].nanoseconds))
    results.push({ case: name, ours: of('ours'), peer: of('peer') })
    rates[name] = Math.round(median(measured.map((one) => one.ours.perSecond)))
  }
  const [punts, trips] = CASES.map((name) => rates[name])
  return {
    ...part('ns of one processor', results),
    ...(punts === undefined ? {} : { punts_per_s: punts }),
    ...(trips === undefined ? {} : { roundtrips_per_s: trips }),
  }
}

export default comparison
