import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keepClock, steadyClock } from './clock.ts'

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

describe('a time that is kept', () => {
  const MINUTE = 60_000
  const START = Date.parse('2027-01-31T12:00:00Z')
  let folder = ''
  let file = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-clock-'))
    file = join(folder, 'clock')
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'setInterval', 'clearInterval'], now: START })
  })
  afterEach(() => {
    vi.useRealTimers()
    rmSync(folder, { recursive: true })
  })
  const kept = (): number | undefined => statSync(file, { throwIfNoEntry: false })?.mtimeMs
  const silent = (line: string) => expect.unreachable(line)

  test('is the latest after a restart with a clock that was set back', () => {
    {
      using clock = keepClock(file, silent)
      expect(kept()).toBeUndefined()
      vi.advanceTimersByTime(10 * MINUTE + 1)
      expect(clock.now()).toBe(START + 10 * MINUTE + 1)
      expect(kept()).toBe(START + 10 * MINUTE)
    }
    vi.setSystemTime(START - 1_000 * MINUTE)
    const said: string[] = []
    using clock = keepClock(file, (line) => said.push(line))
    expect(said).toEqual([
      `the clock says 2027-01-30T19:20:00.000Z, and it was 2027-01-31T12:10:00.000Z before: credentials are judged by the later one; remove ${file} if that is wrong`,
    ])
    expect(clock.now()).toBe(START + 10 * MINUTE)
    vi.advanceTimersByTime(2 * MINUTE)
    expect(clock.now()).toBe(START + 12 * MINUTE)
    expect(kept()).toBe(START + 12 * MINUTE)
  })

  test('is none of a jump forward that is taken back within a minute, and one of a jump that stays', () => {
    using clock = keepClock(file, silent)
    vi.advanceTimersByTime(MINUTE)
    vi.setSystemTime(START + 500 * MINUTE)
    expect(clock.now()).toBe(START + 500 * MINUTE)
    vi.advanceTimersByTime(MINUTE)
    expect(kept()).toBe(START + 2 * MINUTE)
    vi.setSystemTime(START + 2 * MINUTE)
    vi.advanceTimersByTime(MINUTE)
    expect(kept()).toBe(START + 3 * MINUTE)
    vi.setSystemTime(START + 700 * MINUTE)
    vi.advanceTimersByTime(2 * MINUTE)
    expect(kept()).toBe(START + 702 * MINUTE)
  })

  test('where it cannot be kept, that is said once', () => {
    const said: string[] = []
    using _clock = keepClock(join(folder, 'none/clock'), (line) => said.push(line))
    vi.advanceTimersByTime(5 * MINUTE)
    expect(said).toHaveLength(1)
    expect(said[0]).toContain('what time it is cannot be kept: ENOENT')
  })
})
