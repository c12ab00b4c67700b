import { expect, test } from 'vitest'
import { z } from 'zod'
import { issuesOf } from './issues.ts'

test.each([
  ['a number', z.int()],
  ['one of several words', z.enum(['left', 'right'])],
  ['one of several forms', z.union([z.int(), z.string().regex(/^\d+$/)])],
])('what is left out and would be %s is missing', (_, field) => {
  const schema = z.strictObject({ field })
  const [issue] = issuesOf(schema.safeParse({}).error ?? new z.ZodError([]), {}, schema)
  expect(issue).toMatchObject({ message: '`field` is missing', remedy: 'add field: …', missing: 'field' })
})
