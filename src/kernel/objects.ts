import { readlinkSync } from 'node:fs'
import { close, type Mapped, mapped, unmap } from './ffi.ts'

/**
 * A file descriptor that is closed once. After disposing it is -1, which every system call answers with EBADF. Whoever
 * owns several gives them one `owner`, which holds those that are open.
 */
export class Handle implements Disposable {
  readonly #owner: Owner | undefined
  /** What uses it. Undone before it is closed. */
  user: Disposable | undefined
  #fd: number

  constructor(fd: number, owner?: Owner) {
    this.#fd = fd
    if (fd >= 0) descriptors.add(fd)
    this.#owner = owner
    owner?.add(this)
  }

  get fd(): number {
    return this.#fd
  }

  [Symbol.dispose](): void {
    this.user?.[Symbol.dispose]()
    this.user = undefined
    if (this.#fd >= 0) {
      descriptors.delete(this.#fd)
      close(this.#fd)
    }
    this.#fd = -1
    this.#owner?.delete(this)
  }
}

export type Owner = Set<Handle>

/** Of this thread. */
const descriptors = new Set<number>()

/** What a thread has of the kernel's, as plain data: what it would leave behind in the process if it were ended at once. */
export interface Leftovers {
  readonly descriptors: readonly number[]
  readonly mappings: readonly Mapped[]
}

export const leftovers = (): Leftovers => ({ descriptors: [...descriptors], mappings: mapped() })

/** Gives back what a thread has left behind that was ended. */
export function clear({ descriptors, mappings }: Leftovers): void {
  for (const one of mappings) unmap(one)
  for (const one of descriptors) close(one)
}

export type ObjectKind = 'map' | 'program' | 'link'

/** What a handle is of: bpf(2) answers questions about one kind with a look at another, so this must be asked first. */
export function kindOf(fd: number): ObjectKind | undefined {
  const target = readlinkSync(`/proc/self/fd/${fd}`)
  if (target.includes('bpf-map')) return 'map'
  if (target.includes('bpf-prog')) return 'program'
  return target.includes('bpf_link') || target.includes('bpf-link') ? 'link' : undefined
}
