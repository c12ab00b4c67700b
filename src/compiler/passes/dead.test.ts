import { expect, test } from 'vitest'
import { deadCode } from './dead.ts'
import { changedBy } from './graph-text.ts'

test('dead code: what nothing uses goes, with what only it has used; calls and stores stay', () => {
  const text = `
    v0 = context()
    v1 = load 4 0(v0)
    v2 = alu add 32(v1, 1)
    v3 = alu mul 32(v2, v2)
    v4 = call map_lookup_elem(v0)
    return 0`
  expect(changedBy(deadCode, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v4 = call map_lookup_elem(v0)
      return 0
    "
  `)
})
