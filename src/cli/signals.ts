const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** Milliseconds in which a second one is still the same request: timeout(1) tells a process, and then its group. */
const SAME = 500

/**
 * Calls `end` at the first Ctrl-C or request to end, or when nobody reads standard output any more, so that things can be put in
 * order; a second one ends the process at once. Until it is disposed, nobody else hears of them.
 */
export function untilInterrupted(end: () => void, signals: readonly NodeJS.Signals[] = SIGNALS): Disposable {
  let since: number | undefined
  const hear = (signal: NodeJS.Signals): void => {
    if (since === undefined) {
      since = performance.now()
      return end()
    }
    if (performance.now() - since < SAME) return
    process.off(signal, hear)
    process.kill(process.pid, signal)
  }
  const others = signals.flatMap((signal) => process.listeners(signal).map((listener) => ({ signal, listener })))
  // There is always somebody who listens: a signal that has come, and of which nobody was told yet, would be forgotten with the last.
  for (const signal of signals) process.on(signal, hear)
  for (const { signal, listener } of others) process.off(signal, listener)
  process.stdout.on('error', end)
  return {
    [Symbol.dispose]() {
      process.stdout.off('error', end)
      for (const { signal, listener } of others) process.on(signal, listener)
      for (const signal of signals) process.off(signal, hear)
    },
  }
}
