import { readFileSync } from 'node:fs'
import type { Program } from '../isa/program.ts'
import { Beside } from './beside.ts'
import { type Given, KernelProgram, type Loading } from './programs.ts'

/** With fewer than these, what is won is less than another thread takes. */
export const MANY = 512

/** Programs that were loaded and not asked for keep so many handles open at most, and so much of what this process can have. */
const MOST = { handles: 2048, share: 1 / 8 }

/** Programs that are to be loaded soon. Where there are many, another thread begins. */
export class Ahead implements Disposable {
  readonly #expected = new Map<Program, Expected>()
  /** Those that are not begun. */
  #waiting: Expected[] = []
  #begun = 0
  #beside: Beside | undefined

  /** Until what this gives is disposed. */
  expect(program: Program, maps: Given): Disposable {
    const before = this.#expected.get(program)
    if (before !== undefined) return { [Symbol.dispose]() {} }
    const one: Expected = { program, maps, loading: undefined }
    this.#expected.set(program, one)
    this.#waiting.push(one)
    this.#beginMore()
    return { [Symbol.dispose]: () => this.#forget(one)?.[Symbol.dispose]() }
  }

  /** Undefined where it was not begun, or with other maps. */
  take(program: Program, maps: Given): Loading | undefined {
    const one = this.#expected.get(program)
    if (one === undefined || !areSame(one.maps, maps)) return undefined
    const loading = this.#forget(one)
    this.#beginMore()
    return loading
  }

  [Symbol.dispose](): void {
    for (const one of this.#expected.values()) this.#forget(one)?.[Symbol.dispose]()
  }

  #forget(one: Expected): Loading | undefined {
    if (this.#expected.get(one.program) !== one) return undefined
    this.#expected.delete(one.program)
    if (one.loading !== undefined) this.#begun--
    if (this.#expected.size > 0) return one.loading
    this.#waiting = []
    this.#beside?.[Symbol.dispose]()
    this.#beside = undefined
    return one.loading
  }

  #beginMore(): void {
    if (this.#waiting.length >= MANY) this.#beside ??= Beside.open()
    if (this.#beside === undefined) return
    let at = 0
    for (; this.#begun < mostHandles() && this.#beside.hasRoom; at++) {
      const one = this.#waiting[at]
      if (one === undefined) break
      if (this.#expected.get(one.program) === one) this.#begin(one, this.#beside)
    }
    this.#waiting.splice(0, at)
  }

  #begin(one: Expected, beside: Beside): void {
    try {
      one.loading = KernelProgram.begin(one.program, one.maps, beside)
      this.#begun++
    } catch {
      // Whoever loads it hears why.
    }
  }
}

let most: number | undefined

export function mostHandles(): number {
  most ??= Math.min(MOST.handles, Number(LIMIT.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0) * MOST.share)
  return most
}

/** Of what there may be now: Node.js has made it as much as it can be. */
const LIMIT = /^Max open files +(\d+)/m

interface Expected {
  readonly program: Program
  readonly maps: Given
  loading: Loading | undefined
}

const areSame = (one: Given, other: Given): boolean => Object.keys(other).every((name) => one[name] === other[name])
