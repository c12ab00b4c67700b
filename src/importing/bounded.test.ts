import { expect, test } from 'vitest'
import { bounded } from './bounded.ts'

test('what comes to its end gives what it gives, or throws what it throws', () => {
  const mistake = new RangeError('no')
  expect(bounded(() => bounded(() => 7))).toBe(7)
  expect(() =>
    bounded(() => {
      throw mistake
    }),
  ).toThrow(mistake)
})

test('what does not is ended, whatever it catches', () => {
  const spin = () => {
    try {
      for (;;) Math.random()
    } catch {
      return spin()
    }
  }
  expect(() => bounded(spin)).toThrow('it did not come to an end in 3000 ms')
  expect(bounded(() => 'goes on')).toBe('goes on')
})
