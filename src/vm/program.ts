import type { LoadedProgram, RunResult } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import type { Program } from '../isa/program.ts'
import { Alike } from './alike.ts'
import { LONGEST_FRAME } from './buffer.ts'
import type { Engine, Executable } from './engine.ts'
import type { VirtualMap } from './map.ts'
import type { Pins } from './pins.ts'
import type { Clone, VirtualProcessor } from './processor.ts'
import { areOpenValid, validate } from './validate.ts'

/** Programs never change: what was looked at once is loaded again without, and so is what is alike. */
const seen = new WeakSet<Program>()
const valid = new Alike<'valid'>(256)

function check(program: Program): void {
  if (seen.has(program)) return
  if (valid.find(program) === undefined || !areOpenValid(program)) {
    validate(program)
    valid.add(program, 'valid')
  }
  seen.add(program)
}

/** A loaded program, with the maps it refers to. It lives while somebody holds it: a handle, a link, or an array of programs. */
export class VirtualProgram {
  readonly program: Program
  readonly code: Executable
  readonly #maps: readonly VirtualMap[]
  #holders = 0

  constructor(program: Program, maps: ReadonlyMap<string, VirtualMap>, processor: VirtualProcessor, engine: Engine) {
    check(program)
    for (const { name, programs } of maps.values())
      if (programs?.isFor(program.hook) === false)
        throw refusal(`program "${program.name}" is for ${program.hook}, and those in map "${name}" are not`)
    this.program = program
    this.code = engine(program, maps, processor)
    this.#maps = [...maps.values()]
    for (const map of this.#maps) map.bind()
  }

  hold(): this {
    this.#holders++
    return this
  }

  release(): void {
    this.#holders--
    if (this.#holders === 0) for (const map of this.#maps) map.unbind()
  }
}

/** The device that test runs of the kernel take a packet to come from: loopback, whose address is all zeros. */
const LOOPBACK = { ifindex: 1, ingressIfindex: 0, mac: new Uint8Array(6) }

/** A handle on a loaded program. */
export class ProgramHandle implements LoadedProgram {
  readonly loaded: VirtualProgram
  readonly program: Program
  readonly #processor: VirtualProcessor
  readonly #clone: Clone
  readonly #pins: Pins
  #open = true

  constructor(loaded: VirtualProgram, processor: VirtualProcessor, clone: Clone, pins: Pins) {
    this.#clone = clone
    this.#pins = pins
    this.loaded = loaded.hold()
    this.program = loaded.program
    this.#processor = processor
  }

  get open(): boolean {
    return this.#open
  }

  pin(path: string): void {
    this.#pins.add(path, loadedBehind(this))
  }

  run(packet: Uint8Array): RunResult {
    if (!this.#open) throw refusal(`program "${this.program.name}" was closed`)
    if (packet.length < 14 || packet.length > LONGEST_FRAME)
      throw refusal(`a frame of ${packet.length} bytes: Ethernet frames have 14 to ${LONGEST_FRAME}`)
    const { verdict, packet: after } = this.#processor.run(this.loaded.code, packet, LOOPBACK, this.#clone)
    return { verdict, packet: after }
  }

  /** Runs `times` times on one packet, and tells only the last verdict: `BPF_PROG_TEST_RUN` with `repeat`. */
  repeat(packet: Uint8Array, times: number): number {
    return this.#processor.repeat(this.loaded.code, packet, LOOPBACK, this.#clone, times)
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    this.loaded.release()
  }
}

export function loadedBehind(program: unknown): VirtualProgram {
  if (!(program instanceof ProgramHandle)) throw refusal('this program was loaded into another machine')
  if (!program.open) throw refusal(`program "${program.program.name}" was closed`)
  return program.loaded
}
