import { expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { repeatedLoads } from './loads.ts'

test('an entry is read once until something is written or called', () => {
  const text = `
    v0 = context()
    v1 = changing 4 0(v0)
    v2 = changing 4 0(v0)
    v3 = store 4 8(v0, v2)
    v4 = changing 4 0(v0)
    v5 = alu add 32(v1, v4)
    return v5`
  expect(changedBy(repeatedLoads, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 0(v0)
      v3 = store 4 8(v0, v1)
      v4 = load 4 0(v0)
      v5 = alu add 32(v1, v4)
      return v5
    "
  `)
})

test('what is written to the packet or the stack is not written to an entry', () => {
  const text = `
    v0 = context()
    v1 = start 4 76(v0)
    v2 = stack 8()
    v3 = changing 4 0(v0)
    v4 = put 4 0(v1, v3)
    v5 = store 4 0(v2, v3)
    v6 = changing 4 0(v0)
    return v6`
  expect(changedBy(repeatedLoads, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 76(v0)
      v2 = stack()
      v3 = load 4 0(v0)
      v4 = store 4 0(v1, v3)
      v5 = store 4 0(v2, v3)
      return v3
    "
  `)
})
