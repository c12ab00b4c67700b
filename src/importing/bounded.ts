/** Functions of others that are called in the thread of everybody: one that does not come to an end would take all of them with it. */
import { Script } from 'node:vm'

/** Milliseconds, of anybody's time. */
export const MOST = 3000

/** By this symbol's name the script finds what it calls: it sees nothing but what is global. */
const NAME = 'tessera.bounded'
const script = new Script(`globalThis[Symbol.for(${JSON.stringify(NAME)})]()`)

/** What it throws that was ended. */
export class Endless extends Error {
  constructor() {
    super(`it did not come to an end in ${MOST} ms`)
  }
}

/**
 * What a function gives that comes to its end within {@link MOST}, and else an {@link Endless}: of one that is ended, nothing is run any
 * more, `finally` included, so it is to hold nothing. That takes a thread for the while, 0.1 ms.
 */
export function bounded<T>(run: () => T): T {
  let given: { readonly value: T } | undefined
  const call = (): void => {
    given = { value: run() }
  }
  Object.assign(globalThis, { [Symbol.for(NAME)]: call })
  try {
    script.runInThisContext({ timeout: MOST })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new Endless()
    throw error
  }
  if (given === undefined) throw new Endless()
  return given.value
}
