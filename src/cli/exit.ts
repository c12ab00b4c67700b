export const EXIT = { done: 0, failed: 1, usage: 2, differs: 3 } as const

/** Ended by a signal: 128 and its number, as shells say it. */
export const SIGNALLED = { SIGINT: 130, SIGTERM: 143 } as const

/** Ends a command with another code than 0, when all was said. */
export class Ended extends Error {
  readonly code: number

  constructor(code: number) {
    super(`ended with ${code}`)
    this.code = code
  }
}

/** Nothing was done, because the words make no sense. */
export class WrongUsage extends Error {}

export const wrongUsage = (message: string): WrongUsage => new WrongUsage(message)
