export const EXIT = { done: 0, failed: 1, usage: 2 } as const

/** Ended by a signal: 128 and its number, as shells say it. */
export const SIGNALLED = { SIGINT: 130, SIGTERM: 143 } as const
