import type { Registers } from '../engine.ts'
import { ERRNO } from '../errno.ts'
import { Trap } from '../fault.ts'
import { type Memory, REGION, Region, TAKES } from '../memory.ts'
import type { Ring } from '../ring.ts'
import { bytesIn, ringIn } from './arguments.ts'

/** What is in a record that nobody has written yet. */
const GARBAGE = 0xdb

/** BPF_RB_NO_WAKEUP and BPF_RB_FORCE_WAKEUP (linux/bpf.h): here everybody who waits is told. */
const WAKEUPS = 3

/** Helpers for rings, and the record that the program has reserved: one at a time, which is all that the compiler asks for. */
export class Records {
  readonly #memory: Memory
  /** The ring that the record is reserved in. */
  #ring: Ring | undefined

  constructor(memory: Memory) {
    this.#memory = memory
  }

  get isReserved(): boolean {
    return this.#ring !== undefined
  }

  /** bpf_ringbuf_output */
  output(code: Registers): number {
    const ring = ringIn(this.#memory, code)
    const size = code.lo[3] ?? 0
    if (code.hi[3] !== 0 || size <= 0) throw new Trap('a record has a size of 1 to 2147483647 bytes')
    const at = bytesIn(this.#memory, code, 2, size, TAKES.record)
    if (code.hi[4] !== 0 || ((code.lo[4] ?? 0) & ~WAKEUPS) !== 0) return -ERRNO.EINVAL
    return ring.put(this.#memory.heap.bytes.slice(at, at + size))
  }

  /** bpf_ringbuf_reserve: the address of the record, or 0. */
  reserve(code: Registers): void {
    const ring = ringIn(this.#memory, code)
    if (this.isReserved) throw new Trap('a record is reserved while another one is')
    const size = code.lo[2] ?? 0
    if (code.hi[2] !== 0 || size <= 0 || code.hi[3] !== 0 || code.lo[3] !== 0)
      throw new Trap('a record has a size of 1 to 2147483647 bytes, and no flags')
    const isThere = ring.reserve(size)
    code.lo[0] = 0
    code.hi[0] = isThere ? REGION.record : 0
    if (!isThere) return
    this.#ring = ring
    const { heap, regions } = this.#memory
    const start = heap.allocate(size)
    heap.bytes.fill(GARBAGE, start, start + size)
    regions[REGION.record] = new Region('record', 'record', start, size)
  }

  /** bpf_ringbuf_submit */
  submit(code: Registers): number {
    const record = this.#memory.regions[REGION.record]
    if (record === undefined || this.#ring === undefined || code.hi[1] !== REGION.record || code.lo[1] !== 0)
      throw new Trap('r1 is no record that was reserved')
    if (code.hi[2] !== 0 || ((code.lo[2] ?? 0) & ~WAKEUPS) !== 0) throw new Trap('unknown flags')
    this.#ring.submit(this.#memory.heap.bytes.slice(record.start, record.start + record.length))
    this.drop()
    return 0
  }

  drop(): void {
    const { heap, regions } = this.#memory
    const record = regions[REGION.record]
    if (record !== undefined) heap.release(record.start, record.length)
    regions[REGION.record] = undefined
    this.#ring = undefined
  }

  /** Runs other programs, which have none reserved at first. What they leave is dropped. */
  aside<T>(run: () => T): T {
    const { regions } = this.#memory
    const [ring, record] = [this.#ring, regions[REGION.record]]
    this.#ring = undefined
    regions[REGION.record] = undefined
    const result = run()
    this.drop()
    this.#ring = ring
    regions[REGION.record] = record
    return result
  }
}
