import type { VisitRecord } from '../backend/machine.ts'
import { alignUp, viewOf } from '../base/bytes.ts'
import { failure } from './errno.ts'
import { type Mapping, map, PROTECTION, pageSize, whenReadable } from './ffi.ts'

/** What stands before each record (linux/bpf.h, BPF_RINGBUF_BUSY_BIT, _DISCARD_BIT and _HDR_SZ). */
const HEADER = 8
const BUSY = 0x8000_0000
const DISCARDED = 0x4000_0000
const LENGTH = 0x3fff_ffff

/**
 * The consumer's side of a ring (kernel/bpf/ringbuf.c, ringbuf_map_mmap): a page with our position, which we write, then
 * one with the position of the producers, and the data, twice, so that no record is cut at the end. Positions only grow.
 */
export class RingReader implements Disposable {
  readonly #fd: number
  readonly #own: Mapping
  readonly #theirs: Mapping
  readonly #consumer: BigUint64Array
  readonly #producer: BigUint64Array
  readonly #headers: Uint32Array
  readonly #data: Uint8Array
  readonly #view: DataView
  readonly #size: number
  readonly #watches = new Set<Disposable>()

  constructor(name: string, fd: number, size: number) {
    const page = pageSize()
    const mapped = (length: number, protection: number, offset: number): Mapping => {
      const mapping = map(fd, length, protection, offset)
      if (typeof mapping === 'number') throw failure('map', `read the ring "${name}"`, mapping)
      return mapping
    }
    this.#fd = fd
    this.#own = mapped(page, PROTECTION.read | PROTECTION.write, 0)
    this.#theirs = mapped(page + 2 * size, PROTECTION.read, page)
    this.#consumer = new BigUint64Array(this.#own.bytes, 0, 1)
    this.#producer = new BigUint64Array(this.#theirs.bytes, 0, 1)
    this.#headers = new Uint32Array(this.#theirs.bytes, page, size / 4)
    this.#data = new Uint8Array(this.#theirs.bytes, page, 2 * size)
    this.#view = viewOf(this.#data)
    this.#size = size
  }

  /**
   * Up to a record that is still being written. Our position moves when all have been visited: until then a producer sees that
   * we are behind, and wakes nobody. What it adds meanwhile makes the ring readable, which whoever waits is told.
   */
  drain(most: number, visit: VisitRecord): number {
    const start = Atomics.load(this.#consumer, 0)
    const ready = Number(Atomics.load(this.#producer, 0) - start)
    const first = Number(start % BigInt(this.#size))
    let taken = 0
    let count = 0
    try {
      while (taken < ready && count < most) {
        const at = (first + taken) % this.#size
        const header = Atomics.load(this.#headers, at / 4)
        if ((header & BUSY) !== 0) break
        const length = header & LENGTH
        taken += alignUp(HEADER + length, 8)
        if ((header & DISCARDED) !== 0) continue
        count++
        visit(this.#data, this.#view, at + HEADER, length)
      }
    } finally {
      if (taken > 0) Atomics.store(this.#consumer, 0, start + BigInt(taken))
    }
    return count
  }

  watch(ready: () => void): Disposable {
    const handle = whenReadable(this.#fd, ready)
    const watch = {
      [Symbol.dispose]: () => {
        if (this.#watches.delete(watch)) handle[Symbol.dispose]()
      },
    }
    this.#watches.add(watch)
    return watch
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches) watch[Symbol.dispose]()
    this.#own[Symbol.dispose]()
    this.#theirs[Symbol.dispose]()
  }
}
