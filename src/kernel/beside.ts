import { availableParallelism } from 'node:os'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { ERRNO } from './errno.ts'
import { addressOf, bpf, SYSTEM_CALL } from './ffi.ts'

/**
 * Another thread that makes bpf(2) calls while this one does other things: whole programs are verified and compiled in one. It runs
 * nothing but those calls (bin/calls.js), which it finds in memory that both have. Calls that it has not come to when their results
 * are wanted are made by whoever wants them, so that nothing depends on it; where there is one CPU, there is none.
 *
 * In the memory, in words of 32 bits: how many calls were begun, or -1 when there will be no more; a word that nobody uses; and a
 * place for each of as many as can be on their way at once:
 *
 *     | state | result | command | size | address 64 |
 */
export const ROOM = 4096
const [BEGUN, FIRST, WORDS] = [0, 2, 6]
const STATE = { waiting: 1, taken: 2, done: 3 } as const

const THREAD = new URL('../../bin/calls.js', import.meta.url)

/** A call that was begun. Whoever begins it asks for its result, for there may be a handle in it. */
export interface Begun {
  /** As {@link bpf} has it, when there is one. */
  result(): number
  /** The same where somebody has begun to make it; else nobody will, and this is minus ECANCELED. */
  cancel(): number
}

interface Call {
  readonly command: number
  readonly attr: Uint8Array
  /** What has the memory that the call is about, until there is a result. */
  readonly holder: object
  result?: number
}

export class Beside implements Disposable {
  readonly #memory = new SharedArrayBuffer((FIRST + ROOM * WORDS) * 4)
  readonly #words = new Int32Array(this.#memory)
  readonly #addresses = new BigUint64Array(this.#memory)
  /** Whose the places are. */
  readonly #calls: (Call | undefined)[] = Array.from({ length: ROOM })
  #begun = 0
  /** Those before it are being made, or have been. */
  #next = 0

  /** Undefined where there is nothing to be won by it, or no thread to be had. */
  static open(): Beside | undefined {
    if (availableParallelism() < 2) return undefined
    try {
      return new Beside()
    } catch {
      return undefined
    }
  }

  private constructor() {
    const workerData = { memory: this.#memory, number: SYSTEM_CALL, BEGUN, FIRST, ROOM, WORDS, STATE }
    const thread = new Worker(THREAD, { workerData, execArgv: [], env: SHARE_ENV })
    // Then it makes no calls, and that is all.
    thread.on('error', () => undefined)
    thread.unref()
  }

  /** Whether fewer are on their way than can be. */
  get hasRoom(): boolean {
    const place = this.#begun % ROOM
    if (this.#stateOf(place) === STATE.done) this.#take(place)
    return this.#calls[place] === undefined
  }

  /** Where there is no room, it is made when its result is asked for. */
  begin(call: Call): Begun | undefined {
    if (!this.hasRoom) return undefined
    const place = this.#begun % ROOM
    const at = wordOf(place)
    this.#calls[place] = call
    this.#words[at + 2] = call.command
    this.#words[at + 3] = call.attr.length
    this.#addresses[(at + 4) / 2] = addressOf(call.attr)
    Atomics.store(this.#words, at, STATE.waiting)
    Atomics.store(this.#words, BEGUN, ++this.#begun)
    Atomics.notify(this.#words, BEGUN)
    return {
      result: () => call.result ?? this.#end(place),
      cancel: () => call.result ?? this.#cancel(place),
    }
  }

  /** What the thread has not come to, it leaves to whoever asks. */
  [Symbol.dispose](): void {
    Atomics.store(this.#words, BEGUN, -1)
    Atomics.notify(this.#words, BEGUN)
  }

  #end(place: number): number {
    // While the other thread makes it, this one makes another.
    for (let mine = this.#make(place); !mine && this.#stateOf(place) === STATE.taken && this.#makeNext(); );
    return this.#waitFor(place)
  }

  #cancel(place: number): number {
    this.#make(place, () => -ERRNO.ECANCELED)
    return this.#waitFor(place)
  }

  #waitFor(place: number): number {
    while (this.#stateOf(place) === STATE.taken) Atomics.wait(this.#words, wordOf(place), STATE.taken)
    return this.#take(place)
  }

  #stateOf = (place: number): number => Atomics.load(this.#words, wordOf(place))

  /** The result of a call that was made. There is room for another one. */
  #take(place: number): number {
    const result = this.#words[wordOf(place) + 1] ?? 0
    const call = this.#calls[place]
    if (call !== undefined) call.result = result
    this.#calls[place] = undefined
    return result
  }

  /** False where there is none that nobody makes yet. */
  #makeNext(): boolean {
    while (this.#next < this.#begun) if (this.#make(this.#next++ % ROOM)) return true
    return false
  }

  /** False where somebody makes it, or has made it. */
  #make(place: number, make = ({ command, attr }: Call): number => bpf(command, attr)): boolean {
    const call = this.#calls[place]
    const at = wordOf(place)
    if (call === undefined || Atomics.compareExchange(this.#words, at, STATE.waiting, STATE.taken) !== STATE.waiting)
      return false
    this.#words[at + 1] = make(call)
    Atomics.store(this.#words, at, STATE.done)
    return true
  }
}

const wordOf = (place: number): number => FIRST + place * WORDS
