import { expect, test } from 'vitest'
import { progressLine } from './progress.ts'

test('a bar for files, and bytes alone where nobody knows how many there will be', () => {
  const half = { packets: 1_204_333, consumed: 2 ** 29, size: 2 ** 30 }
  expect(progressLine(half, 4)).toBe(
    `[${'#'.repeat(15)}${' '.repeat(15)}]  50 %  512.0 MiB of 1.0 GiB  1,204,333 packets, 301,083/s, 4 s left`,
  )
  expect(progressLine({ ...half, size: undefined }, 4)).toBe('512.0 MiB  1,204,333 packets, 301,083/s')
  expect(progressLine({ packets: 0, consumed: 0, size: 10 }, 0)).toBe(
    `[${' '.repeat(30)}]   0 %  0 B of 10 B  0 packets, 0/s`,
  )
})
