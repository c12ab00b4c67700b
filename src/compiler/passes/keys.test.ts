import { expect, test } from 'vitest'
import { changedBy, graphOf } from './graph-text.ts'
import { keysInPackets } from './keys.ts'

test('a key that is consecutive bytes of the packet is read there', () => {
  const text = `
    v0 = context()
    v1 = start 4 76(v0)
    v2 = load 4 6(v1)
    v3 = load 2 10(v1)
    v4 = stack 6()
    v5 = store 4 0(v4, v2)
    v6 = store 2 4(v4, v3)
    v7 = map stations()
    v8 = call map_lookup_elem(v7, v4)
    return v8`
  expect(changedBy(keysInPackets, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 76(v0)
      v2 = load 4 6(v1)
      v3 = load 2 10(v1)
      v4 = stack()
      v7 = map stations()
      v9 = alu add 64(v1, 6)
      v8 = call map_lookup_elem(v7, v9)
      return v8
    "
  `)
})

test('a key that is not, and one with bytes in another order, stay on the stack', () => {
  const text = `
    v0 = context()
    v1 = start 4 76(v0)
    v2 = load 2 10(v1)
    v3 = load 2 14(v1)
    v4 = stack 4()
    v5 = store 2 0(v4, v2)
    v6 = store 2 2(v4, v3)
    v7 = map stations()
    v8 = call map_lookup_elem(v7, v4)
    v9 = swap 16(v2)
    v10 = stack 2()
    v11 = store 2 0(v10, v9)
    v12 = call map_lookup_elem(v7, v10)
    return v12`
  const before = graphOf(text)
  expect(keysInPackets(before)).toBe(false)
})
