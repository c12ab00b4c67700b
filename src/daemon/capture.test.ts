import { expect, test } from 'vitest'
import { epochOf } from './capture.ts'

test('the time of a capture is that of the moment at which a millisecond begins', () => {
  // A clock of which 100 ns go by with each question.
  let clock = 1_000_000_400_000n
  const ask = () => {
    clock += 100n
    return clock
  }
  const date = () => Number(ask() / 1_000_000n)
  const boot = 900_000_000_000n
  const epoch = epochOf({ now: () => ask() - boot }, date)
  expect(Number(boot - epoch)).toBeLessThanOrEqual(200)
  expect(epoch).toBeLessThanOrEqual(boot)
})

test('a clock that stands still is not waited for', () => {
  expect(epochOf({ now: () => 5n }, () => 1)).toBe(999_995n)
})
