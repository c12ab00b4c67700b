import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { timers } from './timers.ts'

const DAY = 86_400_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('waits also for longer than Node.js can', () => {
  const work = vi.fn()
  timers.after(BigInt(60 * DAY) * 1_000_000n, work)
  vi.advanceTimersByTime(60 * DAY - 1)
  expect(work).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(work).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
})

test('waits no more when disposed, however long it has waited', () => {
  for (const waited of [DAY, 30 * DAY, 59 * DAY]) {
    const timer = timers.after(BigInt(60 * DAY) * 1_000_000n, () => expect.unreachable())
    vi.advanceTimersByTime(waited)
    timer[Symbol.dispose]()
    expect(vi.getTimerCount()).toBe(0)
  }
})
