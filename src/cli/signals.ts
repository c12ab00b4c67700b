/** Calls `end` at the first Ctrl-C or request to end, so that things can be put in order; a second one ends the process at once. */
export function untilInterrupted(end: () => void): Disposable {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.once(signal, end)
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, end)
    },
  }
}
