const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Calls `end` at the first Ctrl-C or request to end, or when nobody reads standard output any more, so that things can be put in
 * order; a second one ends the process at once. Until it is disposed, nobody else hears of them.
 */
export function untilInterrupted(end: () => void, signals: readonly NodeJS.Signals[] = SIGNALS): Disposable {
  const others = signals.flatMap((signal) => process.listeners(signal).map((listener) => ({ signal, listener })))
  for (const { signal, listener } of others) process.off(signal, listener)
  for (const signal of signals) process.once(signal, end)
  process.stdout.on('error', end)
  return {
    [Symbol.dispose]() {
      process.stdout.off('error', end)
      for (const signal of signals) process.off(signal, end)
      for (const { signal, listener } of others) process.on(signal, listener)
    },
  }
}
