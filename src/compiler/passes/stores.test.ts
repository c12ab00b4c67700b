import { describe, expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { packetStores } from './stores.ts'

const START = `
  b0:
    v0 = context()
    v1 = start 4 76(v0)`

describe('stores in the packet', () => {
  test('what was stored is not loaded; of a constant, also bytes are known', () => {
    const text = `${START}
        v2 = load 4 4(v1)
        v3 = put 4 0(v1, v2)
        v4 = put 4 8(v1, 305419896)
        v5 = load 4 0(v1)
        v6 = load 2 10(v1)
        v7 = alu add 32(v5, v6)
        return v7`
    expect(changedBy(packetStores, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 4 4(v1)
        v3 = store 4 0(v1, v2)
        v4 = store 4 8(v1, 305419896)
        v7 = alu add 32(v2, 4660)
        return v7
      "
    `)
  })

  test('what is not known to be elsewhere makes unknown what was stored', () => {
    const text = `${START}
        v2 = load 4 4(v1)
        v3 = alu add 64(v1, v2)
        v4 = put 4 0(v1, 7)
        v5 = put 1 0(v3, 1)
        v6 = load 4 0(v1)
        return v6`
    expect(changedBy(packetStores, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 4 4(v1)
        v3 = alu add 64(v1, v2)
        v4 = store 4 0(v1, 7)
        v5 = store 1 0(v3, 1)
        v6 = load 4 0(v1)
        return v6
      "
    `)
  })

  test('room for headers is 0, but for what was stored there; round a loop, too', () => {
    const text = `${START}
        v2 = cleared 20 14(v1)
        v3 = put 2 16(v1, 5)
        jump b1
      b1:
        v4 = phi(0, v6)
        v5 = put 1 33(v1, v4)
        v6 = alu add 32(v4, 1)
        v7 = load 1 14(v1)
        v8 = load 2 16(v1)
        v9 = load 4 18(v1)
        v10 = load 2 32(v1)
        v11 = load 2 34(v1)
        v12 = call trace_printk(v7, v8, v9, v10, v11)
        if v6 ne32 9 jump b1 else b2
      b2:
        v13 = load 2 30(v1)
        return v13`
    expect(changedBy(packetStores, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = cleared 20 14(v1)
        v3 = store 2 16(v1, 5)
        jump b1
      b1:
        v4 = phi(0, v6)
        v5 = store 1 33(v1, v4)
        v6 = alu add 32(v4, 1)
        v10 = load 2 32(v1)
        v11 = load 2 34(v1)
        v12 = call trace_printk(0, 5, 0, v10, v11)
        if v6 ne32 9 jump b1 else b2
      b2:
        return 0
      "
    `)
  })

  test('nothing is known of a packet that has moved, nor of what a loop stores', () => {
    const text = `${START}
        v2 = cleared 20 14(v1)
        jump b1
      b1:
        v3 = load 4 14(v1)
        v4 = call skb_change_head(v0, v3, 0)
        v5 = load 4 14(v1)
        if v5 ne32 9 jump b1 else b2
      b2:
        return 0`
    expect(changedBy(packetStores, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = cleared 20 14(v1)
        jump b1
      b1:
        v3 = load 4 14(v1)
        v4 = call skb_change_head(v0, v3, 0)
        v5 = load 4 14(v1)
        if v5 ne32 9 jump b1 else b2
      b2:
        return 0
      "
    `)
  })

  test('what is stored over is not stored: by one store, or by several', () => {
    const text = `${START}
        v2 = put 8 0(v1, 0)
        v3 = put 4 8(v1, 0)
        v4 = load 4 16(v1)
        v5 = put 4 0(v1, v4)
        v6 = put 2 4(v1, v4)
        v7 = put 2 8(v1, v4)
        v8 = put 2 6(v1, v4)
        return 0`
    expect(changedBy(packetStores, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v3 = store 4 8(v1, 0)
        v4 = load 4 16(v1)
        v5 = store 4 0(v1, v4)
        v6 = store 2 4(v1, v4)
        v7 = store 2 8(v1, v4)
        v8 = store 2 6(v1, v4)
        return 0
      "
    `)
  })
})
