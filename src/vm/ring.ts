import { alignUp } from '../base/bytes.ts'
import { ERRNO } from './errno.ts'

/** Bytes before each record: its length, and where it is (linux/bpf.h, BPF_RINGBUF_HDR_SZ). */
const HEADER = 8

const roomFor = (length: number): number => alignUp(HEADER + length, 8)

/** Records that wait for the control plane, as many as fit (kernel/bpf/ringbuf.c). */
export class Ring {
  readonly #size: number
  readonly #watchers = new Set<() => void>()
  #records: Uint8Array[] = []
  #used = 0

  constructor(size: number) {
    this.#size = size
  }

  /** 0, or a negated error number. */
  put(record: Uint8Array): number {
    if (!this.reserve(record.length)) return -ERRNO.EAGAIN
    this.submit(record)
    return 0
  }

  /** Keeps room for a record. False where there is none. */
  reserve(length: number): boolean {
    const room = roomFor(length)
    // A ring that is full to its last byte would look like an empty one.
    if (this.#used + room >= this.#size) return false
    this.#used += room
    return true
  }

  /** A record for which there is room. */
  submit(record: Uint8Array): void {
    this.#records.push(record)
    for (const ready of this.#watchers) this.#tell(ready)
  }

  consume(most = Number.POSITIVE_INFINITY): Uint8Array[] {
    const records = this.#records.splice(0, most)
    for (const { length } of records) this.#used -= roomFor(length)
    return records
  }

  watch(ready: () => void): Disposable {
    // A function of its own: who watches twice is told twice.
    const watcher = () => ready()
    this.#watchers.add(watcher)
    this.#tell(watcher)
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) }
  }

  /** Not before whoever is running now is done. */
  #tell(ready: () => void): void {
    queueMicrotask(() => {
      if (this.#records.length > 0 && this.#watchers.has(ready)) ready()
    })
  }
}
