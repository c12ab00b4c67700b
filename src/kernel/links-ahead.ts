import { assemble, verdict } from '../backend/assemble.ts'
import { TC_ACT } from '../isa/opcodes.ts'
import type { AttachPoint } from '../isa/program.ts'
import { mostHandles } from './ahead.ts'
import { type Begun, Beside } from './beside.ts'
import { beginLink, updateLink } from './bpf.ts'
import { close } from './ffi.ts'
import { Haste } from './haste.ts'
import { ATTACH } from './links.ts'
import { KernelProgram } from './programs.ts'

/** With fewer than these, what is won is less than another thread takes. */
export const MANY = 256

/** Lets all packets by, as if it was not there. */
const NOTHING_YET = assemble('tessera_soon', 'tc', [verdict(TC_ACT.next)])

/** Of a program on its way to an interface: that of a process which was killed just now goes soon. */
export const isNothingYet = (name: string | undefined): boolean => name === NOTHING_YET.name

interface Expected {
  readonly key: string
  readonly target: number
  readonly point: AttachPoint
  begun?: Begun | undefined
}

/**
 * Links of interfaces that programs are going to be attached to. The kernel takes its time for each (see haste.ts), and for none to
 * exchange the program in it: so where there are many, another thread makes them while programs are compiled and loaded, with one that
 * lets all packets by. Nobody pins them before they have their own, so they go with the process.
 */
export class LinksAhead implements Disposable {
  readonly #expected = new Map<string, Expected>()
  #making: Making | undefined
  #begun = 0

  /** Until what this gives is disposed. Of interfaces of the network namespace that this thread is in. */
  expect(target: number, point: AttachPoint): Disposable {
    const one: Expected = { key: keyOf(target, point), target, point }
    if (!this.#expected.has(one.key)) this.#expected.set(one.key, one)
    if (this.#making !== undefined) this.#begin(one, this.#making)
    else if (this.#expected.size === MANY) this.#beginAll()
    return { [Symbol.dispose]: () => this.#forget(one) }
  }

  /** A link with this program; undefined where none was made, or it has gone with its interface. */
  take(program: number, target: number, point: AttachPoint): number | undefined {
    const one = this.#expected.get(keyOf(target, point))
    const link = one?.begun?.result() ?? -1
    const isMade = link >= 0 && updateLink(link, program) >= 0
    if (one !== undefined) this.#forget(one, isMade)
    return isMade ? link : undefined
  }

  [Symbol.dispose](): void {
    for (const one of this.#expected.values()) this.#forget(one)
  }

  #beginAll(): void {
    this.#making = begin()
    if (this.#making !== undefined) for (const one of this.#expected.values()) this.#begin(one, this.#making)
  }

  #begin(one: Expected, { program, beside, haste }: Making): void {
    if (this.#begun >= mostHandles() || this.#expected.get(one.key) !== one) return
    one.begun = beginLink(program.fd, one.target, ATTACH[one.point].type, beside)
    if (one.begun === undefined) return
    this.#begun++
    haste.count()
  }

  #forget(one: Expected, isTaken = false): void {
    if (this.#expected.get(one.key) !== one) return
    this.#expected.delete(one.key)
    const link = one.begun === undefined || isTaken ? -1 : one.begun.cancel()
    if (link >= 0) close(link)
    if (this.#expected.size > 0) return
    this.#making?.[Symbol.dispose]()
    this.#making = undefined
    this.#begun = 0
  }
}

const keyOf = (target: number, point: AttachPoint): string => `${target} ${point}`

interface Making extends Disposable {
  readonly program: KernelProgram
  readonly beside: Beside
  readonly haste: Haste
}

/** Undefined where there is no other thread, or nothing can be loaded: whoever loads more than this hears why. */
function begin(): Making | undefined {
  const beside = Beside.open()
  if (beside === undefined) return undefined
  try {
    const [program, haste] = [KernelProgram.load(NOTHING_YET, {}), new Haste()]
    const end = () => {
      for (const one of [haste, program, beside]) one[Symbol.dispose]()
    }
    return { program, beside, haste, [Symbol.dispose]: end }
  } catch {
    beside[Symbol.dispose]()
    return undefined
  }
}
