import { join } from 'node:path'
import { expect, test } from 'vitest'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { atLeastOnce, inside, type leaving, pairs, rounds, steps } from './cubes/leaving/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/leaving')

onEveryMachine('labels, loops that ask last, and steps in expressions', (openLab) => {
  test('mean what they mean to JavaScript', async () => {
    using lab = await openLab<typeof leaving>({ cube, ports: { a: {} } })
    const results = lab.table('results')
    for (let number = 0; number < 32; number++) {
      lab.table('given').set({ index: 0 }, { number })
      lab.send('a', packet().ethernet().payload(50).bytes())
      const found = Array.from({ length: 7 }, (_, index) => results.get({ index })?.number)
      // The functions themselves, as JavaScript runs them.
      const expected = [pairs, rounds, atLeastOnce, inside, steps].map((one) => one(number))
      expect(found).toEqual([...expected, number * 2, number * 2 + 2])
    }
    expect(lab.table('tickets').get({ index: 0 })).toEqual({ next: 64 })
  })
})
