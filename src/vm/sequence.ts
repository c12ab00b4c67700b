import { UPDATE } from '../isa/opcodes.ts'
import { ERRNO } from './errno.ts'

/** What queues and stacks keep: values without keys, in the order in which they came (kernel/bpf/queue_stack_maps.c). */
export class Sequence {
  readonly #entries: number
  readonly #lastFirst: boolean
  readonly #values: Uint8Array[] = []

  /** `lastFirst`: the newest value comes out first. */
  constructor(entries: number, lastFirst: boolean) {
    this.#entries = entries
    this.#lastFirst = lastFirst
  }

  /** 0, or a negated error number. When it is full, `exist` gives up the oldest value. */
  push(value: Uint8Array, flags: number): number {
    if (flags !== UPDATE.any && flags !== UPDATE.exist) return -ERRNO.EINVAL
    if (this.#values.length === this.#entries) {
      if (flags !== UPDATE.exist) return -ERRNO.E2BIG
      this.#values.shift()
    }
    this.#values.push(value)
    return 0
  }

  peek(): Uint8Array | undefined {
    return this.#lastFirst ? this.#values.at(-1) : this.#values[0]
  }

  pop(): Uint8Array | undefined {
    return this.#lastFirst ? this.#values.pop() : this.#values.shift()
  }
}
