import { describe, expect, test } from 'vitest'
import { changedBy, graphOf } from './graph-text.ts'
import { joinStores } from './join-stores.ts'

const START = `
  b0:
    v0 = context()
    v1 = start 4 76(v0)
    v2 = stack 16()`

describe('constants stored side by side', () => {
  test('are stored as one: the padding of a key, and fields of a header wherever they lie', () => {
    const text = `${START}
        v3 = store 2 2(v2, 0)
        v4 = store 4 4(v2, 0)
        v5 = load 4 26(v1)
        v6 = store 4 8(v2, v5)
        v7 = store 2 0(v2, 7)
        v8 = put 1 23(v1, 17)
        v9 = put 1 22(v1, 64)
        v10 = call map_lookup_elem(v1, v2)
        return v10`
    expect(changedBy(joinStores, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = stack()
        v5 = load 4 26(v1)
        v6 = store 4 8(v2, v5)
        v7 = store 8 0(v2, 7)
        v9 = store 2 22(v1, 4416)
        v10 = call map_lookup_elem(v1, v2)
        return v10
      "
    `)
  })

  test.each([
    ['are not where they do not lie together', 'store 2 2', 'store 2 6'],
    ['are not where one would lie across the border of words', 'store 2 0', 'store 2 4'],
    ['are not where somebody looks at one in between', 'v4 =', 'v9 = load 2 0(v2)\nv4 ='],
    ['are not where somebody is called in between', 'v4 =', 'v9 = call ktime_get_ns()\nv4 ='],
    ['are not where one is stored over in between', 'v4 =', 'v9 = store 4 0(v2, v3)\nv4 ='],
  ])('%s', (_, found, other) => {
    const text = `${START}
        v3 = load 4 0(v1)
        v5 = store 2 0(v2, 7)
        v4 = store 2 2(v2, 0)
        v8 = call map_lookup_elem(v1, v2)
        return v8`
    expect(joinStores(graphOf(text))).toBe(true)
    expect(joinStores(graphOf(text.replace(found, other)))).toBe(false)
  })

  test('are not where eight bytes are no immediate, nor in what another pointer may lead to', () => {
    const text = `${START}
        v3 = load 2 12(v1)
        v4 = alu add 64(v1, v3)
        v5 = store 4 0(v2, 1)
        v6 = store 4 4(v2, 1)
        v7 = put 1 22(v1, 64)
        v8 = put 1 0(v4, 9)
        v9 = put 1 23(v1, 17)
        v10 = call map_lookup_elem(v1, v2)
        return v10`
    expect(joinStores(graphOf(text))).toBe(false)
  })
})
