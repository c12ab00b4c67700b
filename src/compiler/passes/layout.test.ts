import { describe, expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { rareLast } from './layout.ts'

describe('layout', () => {
  test('what few packets come to lies behind everything else', () => {
    const text = `
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 uge64 60 jump b2 else b1
      b1 rare:
        v2 = call skb_pull_data(v0, 60)
        jump b2
      b2:
        v3 = load 4 4(v0)
        return v3`
    expect(changedBy(rareLast, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 0(v0)
        if v1 uge64 60 jump b2 else b1
      b2:
        v3 = load 4 4(v0)
        return v3
      b1 rare:
        v2 = call skb_pull_data(v0, 60)
        jump b2
      "
    `)
  })
})
