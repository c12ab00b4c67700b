import { setTimeout } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { untilInterrupted } from './signals.ts'

const SIGNAL = 'SIGUSR2'

test('a signal that came before, and that nobody was told of yet, is heard', async () => {
  const [before, end] = [vi.fn(), vi.fn()]
  process.on(SIGNAL, before)
  try {
    process.kill(process.pid, SIGNAL)
    using _interrupted = untilInterrupted(end, [SIGNAL])
    await vi.waitFor(() => expect(end).toHaveBeenCalledOnce())
    expect(before).not.toHaveBeenCalled()
  } finally {
    process.off(SIGNAL, before)
  }
})

test('two at once are one request to end, and whoever listened before listens again afterwards', async () => {
  const [before, end] = [vi.fn(), vi.fn()]
  using _now = vi.spyOn(performance, 'now').mockReturnValue(1)
  process.on(SIGNAL, before)
  try {
    {
      using _interrupted = untilInterrupted(end, [SIGNAL])
      process.kill(process.pid, SIGNAL)
      await vi.waitFor(() => expect(end).toHaveBeenCalledOnce())
      process.kill(process.pid, SIGNAL)
      await setTimeout(10)
      expect(end).toHaveBeenCalledOnce()
    }
    process.kill(process.pid, SIGNAL)
    await vi.waitFor(() => expect(before).toHaveBeenCalledOnce())
  } finally {
    process.off(SIGNAL, before)
  }
})
