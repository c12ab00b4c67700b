/** Captures replayed through a graph on the user-space machine: frames in by files, frames out by files, and counters. */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { Held } from '../base/held.ts'
import type { GraphFile } from '../engine/graph/graph.ts'
import { type Wire, wiresOf } from '../engine/graph/ports.ts'
import type { GraphStatus } from '../engine/look/status.ts'
import type { CaptureFormat } from '../pcap/index.ts'
import type { VirtualMachine } from '../vm/machine.ts'
import { CaptureInput, merge } from './capture-input.ts'
import { CaptureOutput } from './capture-output.ts'
import type { Host } from './host.ts'
import { addInterfaces } from './network.ts'
import { type InputCounts, type ReplayFault, ReplayWires, type WireCounts } from './replay-wires.ts'

export interface ReplayOptions {
  /** Several files at one port are merged by time, as those of different ports are. */
  readonly inputs: readonly { readonly port: Wire; readonly file: string }[]
  /** A folder for what leaves each port. Without it nothing is written. */
  readonly out?: string | undefined
  readonly format?: CaptureFormat
  /** Called now and then. */
  readonly progress?: (progress: Progress) => void
  /** Ends the replay: what came before is counted and written. */
  readonly signal?: AbortSignal
}

export interface Progress {
  readonly packets: number
  /** Bytes of the input files; the size is undefined where one of them has none. */
  readonly consumed: number
  readonly size: number | undefined
}

export interface ReplayedInput extends Readonly<InputCounts> {
  readonly port: string
  readonly file: string
  readonly format: CaptureFormat | undefined
}

export interface ReplayedPort extends Wire, WireCounts {
  /** Where that was written. */
  readonly file: string | undefined
}

export interface Replay {
  /** Of the frames on the wires: nanoseconds since 1970. Undefined where there was none. */
  readonly first: bigint | undefined
  readonly last: bigint | undefined
  readonly inputs: readonly ReplayedInput[]
  readonly ports: readonly ReplayedPort[]
  readonly faults: readonly ReplayFault[]
  readonly status: GraphStatus
  /** Why not everything was replayed. */
  readonly incomplete: Refusal | undefined
}

/**
 * The capture's time is the machine's: its clock stands at its start for the first frame, and moves on by the difference to the
 * next one. What a frame leads to leaves at the time of that frame.
 */
export async function replay(
  { machine, engine }: Host<VirtualMachine>,
  file: GraphFile,
  { inputs, out, format = 'pcap', progress, signal }: ReplayOptions,
): Promise<Replay> {
  using held = new Held()
  const sources = inputs.map((input) => ({
    port: input.port,
    input: held.use(new CaptureInput(input.file)),
    counts: { packets: 0n, bytes: 0n, truncated: 0, late: 0, skipped: 0 },
  }))
  const sourceOf = new Map(sources.map((source) => [source.input, source]))
  const files = [...sourceOf.keys()]
  const ports = wiresOf(file.graph)
  addInterfaces(machine, file.graph)
  await engine.apply(file)
  const outputs: ReadonlyMap<Wire, CaptureOutput> =
    out === undefined ? new Map() : openOutputs(out, format, ports, files, held)
  const wires = new ReplayWires(machine, ports, (port) => outputs.get(port))
  const size = files.every((one) => one.size !== undefined)
    ? files.reduce((sum, one) => sum + (one.size ?? 0), 0)
    : undefined
  let incomplete: Refusal | undefined
  try {
    await merge(
      files,
      (frame, from) => {
        const source = sourceOf.get(from)
        if (source !== undefined) wires.put(frame, source.port, source.counts)
      },
      () => {
        const consumed = files.reduce((sum, one) => sum + one.consumed, 0)
        progress?.({ packets: wires.packets, consumed, size })
      },
      signal && aborted(signal),
    )
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    incomplete = error
  }
  for (const output of outputs.values()) output.flush()
  return {
    first: wires.first,
    last: wires.last,
    inputs: sources.map(({ port, input, counts }) => ({
      port: port.name,
      file: input.file,
      format: input.format,
      ...counts,
    })),
    ports: ports.map((port) => ({ ...port, ...wires.counts(port), file: outputs.get(port)?.file })),
    faults: wires.faults(),
    status: await engine.status(file.graph.name),
    incomplete,
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    const stop = (): void => reject(refusal('interrupted', 'what was replayed until then is counted'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  // Nobody may be waiting for it any more.
  stopped.catch(() => undefined)
  return stopped
}

/** A file for every port, also for those that nothing leaves by. */
function openOutputs(
  folder: string,
  format: CaptureFormat,
  ports: readonly Wire[],
  inputs: readonly CaptureInput[],
  held: Held,
): ReadonlyMap<Wire, CaptureOutput> {
  makeFolder(folder)
  const named = ports.map((port) => ({ port, path: join(folder, `${port.name}.${format}`) }))
  for (const { path } of named) {
    const there = statSync(path, { throwIfNoEntry: false })
    const input = inputs.find(({ identity }) => there !== undefined && identity === `${there.dev}:${there.ino}`)
    if (input !== undefined)
      throw refusal(`${path} would be written, and is read as ${input.file}`, 'name another folder: --out DIR')
  }
  return new Map(named.map(({ port, path }) => [port, held.use(new CaptureOutput(path, format, port.interface))]))
}

/** With the folders that it is in. (With `recursive`, Node.js 20 tries for ever where a file system takes no folders, as /proc.) */
function makeFolder(folder: string): void {
  const parent = dirname(folder)
  try {
    if (parent !== folder && !existsSync(parent)) makeFolder(parent)
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) mkdirSync(folder)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw refusal(`cannot write to ${folder}: ${error instanceof Error ? error.message : error}`)
  }
}
