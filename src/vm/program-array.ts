import type { Hook } from '../isa/program.ts'
import { ERRNO } from './errno.ts'
import type { VirtualProgram } from './program.ts'

/** What tail calls go over to, by number (kernel/bpf/arraymap.c). Programs of one hook: that of the first one seen. */
export class ProgramArray {
  readonly #programs: (VirtualProgram | undefined)[]
  #hook: Hook | undefined

  constructor(entries: number) {
    this.#programs = new Array<VirtualProgram | undefined>(entries).fill(undefined)
  }

  isFor(hook: Hook): boolean {
    this.#hook ??= hook
    return this.#hook === hook
  }

  get(index: number): VirtualProgram | undefined {
    return this.#programs[index]
  }

  /** 0, or a negated error number. */
  install(index: number, program: VirtualProgram): number {
    if (index >= this.#programs.length) return -ERRNO.E2BIG
    if (!this.isFor(program.program.hook)) return -ERRNO.EINVAL
    const before = this.#programs[index]
    this.#programs[index] = program.hold()
    before?.release()
    return 0
  }

  /** 0, or a negated error number. */
  delete(index: number): number {
    if (index >= this.#programs.length) return -ERRNO.E2BIG
    const before = this.#programs[index]
    this.#programs[index] = undefined
    before?.release()
    return before === undefined ? -ERRNO.ENOENT : 0
  }

  clear(): void {
    for (const index of this.#programs.keys()) this.delete(index)
  }
}
