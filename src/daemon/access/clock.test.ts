import { expect, test } from 'vitest'
import { steadyClock } from './clock.ts'

test('time goes on where the clock goes back, and jumps forward as long as the clock does', () => {
  let [wall, elapsed] = [1_000_000, 50]
  const now = steadyClock(
    () => wall,
    () => elapsed,
  )
  const after = (milliseconds: number, jump = 0) => {
    wall += milliseconds + jump
    elapsed += milliseconds
    return now()
  }
  expect(now()).toBe(1_000_000)
  expect(after(1_000)).toBe(1_001_000)
  expect(after(1_000, -500_000)).toBe(1_002_000)
  expect(after(1_000)).toBe(1_003_000)
  expect(after(1_000, 500_000)).toBe(1_004_000)
  expect(after(0, 300_000)).toBe(1_304_000)
  expect(after(1_000, -300_000)).toBe(1_005_000)
})
