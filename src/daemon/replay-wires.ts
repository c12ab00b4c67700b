/** The wires of a graph's ports, with capture files at their other ends. */
import type { Wire } from '../engine/graph/ports.ts'
import type { CapturedFrame } from '../pcap/index.ts'
import { LONGEST_FRAME, SHORTEST_FRAME } from '../vm/buffer.ts'
import { Fault } from '../vm/fault.ts'
import type { VirtualMachine } from '../vm/machine.ts'
import type { CaptureOutput } from './capture-output.ts'

/** Of one input file. */
export interface InputCounts {
  /** What was put on the wire. */
  packets: bigint
  bytes: bigint
  /** Of those: frames of which the capture has only the beginning. They are replayed as they are. */
  truncated: number
  /** Of those: frames that are older than one before. Time does not go back for them. */
  late: number
  /** Not put on the wire: shorter than an Ethernet header, or longer than what any interface takes. */
  skipped: number
}

/** What happened at a port, besides what its program counts. */
export interface WireCounts {
  /** Left by the port. */
  readonly packets: bigint
  readonly bytes: bigint
  /** Handed to the host's own stack, which there is none of. */
  readonly passed: number
  /** Frames that were lost because the program did what no program may. */
  readonly faults: number
}

/** Of one instruction of a port's program. */
export interface ReplayFault {
  readonly port: string
  /** What it was the first time. */
  readonly message: string
  /** How often, and at which frame of all inputs first. */
  count: number
  readonly frame: number
}

export class ReplayWires {
  /** On the wires so far, and their times. */
  packets = 0
  first: bigint | undefined
  last: bigint | undefined
  readonly #machine: VirtualMachine
  readonly #counts = new Map<string, { packets: bigint; bytes: bigint }>()
  readonly #faults = new Map<string, ReplayFault>()
  /** The frame that all this comes of. */
  #cause: CapturedFrame = { time: 0n, bytes: new Uint8Array(), length: 0 }

  constructor(machine: VirtualMachine, ports: readonly Wire[], outputOf: (port: Wire) => CaptureOutput | undefined) {
    this.#machine = machine
    for (const port of ports) {
      const counts = { packets: 0n, bytes: 0n }
      const output = outputOf(port)
      this.#counts.set(port.interface, counts)
      machine.plug(port.interface, {
        receive: (bytes) => {
          counts.packets++
          counts.bytes += BigInt(bytes.length)
          // What the capture lacks of a frame is missing in what became of it, too.
          const { time, bytes: captured, length } = this.#cause
          output?.write({ time, bytes, length: bytes.length + length - captured.length })
        },
      })
    }
  }

  put(frame: CapturedFrame, port: Wire, counts: InputCounts): void {
    const { bytes, length, time } = frame
    if (bytes.length < SHORTEST_FRAME || bytes.length > LONGEST_FRAME) {
      counts.skipped++
      return
    }
    this.packets++
    counts.packets++
    counts.bytes += BigInt(bytes.length)
    if (bytes.length < length) counts.truncated++
    this.first ??= time
    this.last ??= time
    if (time < this.last) counts.late++
    else if (time > this.last) {
      this.#machine.clock.advance(time - this.last)
      this.last = time
    }
    this.#cause = frame
    try {
      this.#machine.receive(port.interface, bytes)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#count(error, port)
    }
    this.#machine.passed.length = 0
  }

  counts(port: Wire): WireCounts {
    const { packets, bytes } = this.#counts.get(port.interface) ?? { packets: 0n, bytes: 0n }
    const faults = this.faults().filter((fault) => fault.port === port.name)
    return {
      packets,
      bytes,
      passed: this.#machine.counters(port.interface).passed,
      faults: faults.reduce((sum, { count }) => sum + count, 0),
    }
  }

  faults(): readonly ReplayFault[] {
    return [...this.#faults.values()]
  }

  #count({ message, instruction }: Fault, { name }: Wire): void {
    const key = `${name} ${instruction}`
    const known = this.#faults.get(key)
    if (known !== undefined) known.count++
    else this.#faults.set(key, { port: name, message, count: 1, frame: this.packets })
  }
}
