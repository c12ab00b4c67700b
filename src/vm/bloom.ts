import { toHex } from '../base/bytes.ts'
import { UPDATE } from '../isa/opcodes.ts'
import { ERRNO } from './errno.ts'

/** A Bloom filter that is never wrong, which a real one may be by chance as well (kernel/bpf/bloom_filter.c). */
export class Bloom {
  readonly #values = new Set<string>()

  /** 0, or a negated error number. */
  add(value: Uint8Array, flags: number): number {
    if (flags !== UPDATE.any) return -ERRNO.EINVAL
    this.#values.add(toHex(value))
    return 0
  }

  has(value: Uint8Array): boolean {
    return this.#values.has(toHex(value))
  }
}
