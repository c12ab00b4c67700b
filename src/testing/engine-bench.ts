/** An engine on a user-space machine, and what can go wrong with both. */
import { Refusal } from '../base/diagnostic.ts'
import { builtinCubes } from '../daemon/host.ts'
import { Engine } from '../engine/engine.ts'
import type { EngineParts } from '../engine/plan/parts.ts'
import { MemoryRecords, type Records } from '../engine/plan/records.ts'
import { openVirtualMachine } from '../vm/machine.ts'
import { packet } from './packet.ts'
import { through } from './through.ts'

export type EngineBench = ReturnType<typeof engineBench>

const catalogue = builtinCubes()

/** A machine with interfaces, and an engine on it. */
export function engineBench(interfaces: readonly string[] = ['va', 'vb', 'vc', 'vd']) {
  const machine = openVirtualMachine()
  let arrived: { readonly at: string; readonly frame: Uint8Array }[] = []
  for (const [index, name] of interfaces.entries()) {
    machine.addInterface(name, { mac: `06:00:00:00:00:${index.toString(16).padStart(2, '0')}` })
    machine.plug(name, { receive: (frame) => void arrived.push({ at: name, frame }) })
  }
  const records: Records = new MemoryRecords()
  const lock = async () => ({ [Symbol.dispose]() {} })
  const engineOn = (parts: Partial<EngineParts> = {}) => new Engine({ machine, records, catalogue, lock, ...parts })
  /** What comes out of which interfaces. */
  const deliver = (from: string, frame: Uint8Array): readonly { readonly at: string; readonly frame: Uint8Array }[] => {
    arrived = []
    machine.receive(from, frame)
    return arrived
  }
  /** Where a frame comes out: the interfaces, or nowhere. */
  const send = (from: string, source: string, destination: string): string => {
    const out = deliver(from, packet().ethernet({ source, destination }).padded(60))
    return [...new Set(out.map(({ at }) => at))].sort().join(' ')
  }
  /** All that a graph can leave, in the machine and beside it. */
  const left = () => ({ pins: machine.pinned(''), records: records.names().map((name) => records.read(name)) })
  return { machine, records, engine: engineOn(), engineOn, deliver, send, left }
}

/**
 * How a machine and its records go wrong at their n-th operation. `refuses`: it is not done, once. `fails late`: it is
 * done, and says that it is not. `dies`: neither it nor anything after it is done, as after kill -9.
 */
export type Manner = 'refuses' | 'fails late' | 'dies'

/** What it says: the operation. */
export class Injected extends Refusal {
  constructor(operation: string) {
    super([{ message: operation }])
  }
}

function sabotage(it: EngineBench, manner: Manner, at: number) {
  // What is asked before the first record is written changes nothing, and so nothing can be left of it.
  let begun = it.records.names().length === 0
  let count = 0
  const call = <T>(operation: string, run: () => T): T => {
    // Letting go of a handle cannot fail; the kernel does it for a process that dies. What is done in bulk fails one by one.
    if (operation.startsWith('Symbol') || operation === 'inBulk' || !begun) return run()
    count++
    if (count < at || (count > at && manner !== 'dies')) return run()
    if (manner === 'fails late') run()
    throw new Injected(operation)
  }
  const records = through(it.records, (operation, run) => {
    const result = manner === 'dies' ? call(operation, run) : run()
    begun ||= operation === 'write'
    return result
  })
  const engine = it.engineOn({ machine: through(it.machine, call), records })
  return { engine, happened: () => count >= at }
}

/**
 * For each operation, anew: prepares, breaks what `run` does at that operation, and looks. Until nothing is left to break. How many
 * there were.
 */
export async function atEveryOperation(
  manner: Manner,
  prepare: (it: EngineBench) => Promise<unknown>,
  run: (engine: Engine) => Promise<unknown>,
  look: (it: EngineBench, when: string, error: unknown) => Promise<void>,
  bench: () => EngineBench = engineBench,
): Promise<number> {
  for (let at = 1; ; at++) {
    const it = bench()
    await prepare(it)
    const { engine, happened } = sabotage(it, manner, at)
    const error = await run(engine).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!happened()) return at - 1
    const cause = error instanceof Refusal && !(error instanceof Injected) ? error.cause : error
    if (cause !== undefined && !(cause instanceof Injected)) throw error
    await look(it, `${manner} at operation ${at}${cause === undefined ? '' : ` (${cause.message})`}`, error)
  }
}

/** What hears of a graph that cannot be recovered, where each can. */
export const thrown = (_: string, error: unknown): never => {
  throw error
}
