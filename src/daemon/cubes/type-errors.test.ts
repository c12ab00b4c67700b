import { expect, test } from 'vitest'
import { typeErrors } from './type-errors.ts'

const text = "if (!ethernet) return drp('truncated')"
const files = new Map([['dataplane.ts', new TextEncoder().encode(`${text}\n`)]])

test.each([
  { column: 23, length: 3, of: 'a name' },
  { column: 26, length: 1, of: 'anything else' },
])('what tsc says of $of is placed', ({ column, length }) => {
  const output = `dataplane.ts(1,${column}): error TS2304: It is wrong.\n  Because it is.\n`
  expect(typeErrors(output, '/cube', files)).toEqual([
    {
      message: 'It is wrong. (TS2304)\n  Because it is.',
      place: { file: 'dataplane.ts', line: 1, column, length, text },
    },
  ])
})

test('what is wrong in files of others is not said', () =>
  expect(typeErrors('../other.ts(1,1): error TS2304: It is wrong.\n', '/cube', files)).toEqual([]))
