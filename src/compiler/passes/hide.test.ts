import { expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { hideCarried } from './hide.ts'

/** Rounds of a loop that counts what it finds, until there are more than 40. `first` is what it starts with. */
const loop = (first: string, tested: string) => `
  b0:
    v0 = context()
    jump b1
  b1:
    v1 = phi(0, v6)
    v2 = phi(${first}, v5)
    v3 = changing 4 8(v0)
    if v3 ugt32 5 jump b2 else b3
  b2:
    v4 = alu add 32(v2, 1)
    jump b3
  b3:
    v5 = phi(v2, v4)
    v7 = alu and 32(${tested}, 255)
    if v7 ugt32 40 jump b5 else b4
  b4:
    v6 = alu add 32(v1, 1)
    if v6 ne32 64 jump b1 else b5
  b5:
    return 0`

/** As lowering leaves it: each round is one of 64, and the counter's branch is known as such. */
function hide(graph: Parameters<typeof hideCarried>[0]): void {
  for (const block of graph.blocks) {
    if (block.id > 0 && block.id < 5) Object.assign(block, { rounds: 64 })
    if (block.id === 4 && block.end?.op === 'branch') block.end = { ...block.end, counts: true }
  }
  hideCarried(graph)
}

test('what a long loop carries and looks at goes by way of the stack', () => {
  expect(changedBy(hide, loop('0', 'v5'))).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      jump b1
    b1:
      v1 = phi(0, v6)
      v2 = phi(0, v5)
      v8 = stack()
      v9 = store 4 0(v8, v2)
      v10 = load 4 0(v8)
      v3 = load 4 8(v0)
      if v3 ugt32 5 jump b2 else b3
    b2:
      v4 = alu add 32(v10, 1)
      jump b3
    b3:
      v5 = phi(v10, v4)
      v7 = alu and 32(v5, 255)
      if v7 ugt32 40 jump b5 else b4
    b4:
      v6 = alu add 32(v1, 1)
      if v6 ne32 64 jump b1 else b5
    b5:
      return 0
    "
  `)
})

test('what no branch looks at does not', () => {
  const text = loop('0', 'v3')
  expect(changedBy(hide, text)).toBe(changedBy(() => undefined, text))
})

test('an address is never in a register as a number', () => {
  const text = loop('v0', 'v5')
  expect(changedBy(hide, text)).toBe(changedBy(() => undefined, text))
})

test('what it compares and does not change goes by way of the stack, too', () => {
  const text = `
  b0:
    v0 = context()
    v1 = changing 4 8(v0)
    v2 = changing 4 12(v0)
    if v2 ugt32 5 jump b6 else b7
  b6:
    jump b1
  b7:
    jump b1
  b1:
    v3 = phi(1, 2)
    jump b2
  b2:
    v4 = phi(0, v5)
    if v1 ugt32 v4 jump b3 else b4
  b3:
    v6 = store 4 0(v0, v4)
    jump b4
  b4:
    v5 = alu add 32(v4, 1)
    if v5 ne32 64 jump b2 else b5
  b5:
    v7 = alu add 32(v3, 4)
    if v3 eq32 2 jump b8 else b9
  b8:
    return v7
  b9:
    return v1`
  const hideAll = (graph: Parameters<typeof hideCarried>[0]): void => {
    for (const block of graph.blocks) {
      if (block.id > 1 && block.id < 5) Object.assign(block, { rounds: 64 })
      if (block.id === 4 && block.end?.op === 'branch') block.end = { ...block.end, counts: true }
    }
    hideCarried(graph)
  }
  expect(changedBy(hideAll, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      v1 = load 4 8(v0)
      v2 = load 4 12(v0)
      if v2 ugt32 5 jump b6 else b7
    b6:
      jump b1
    b7:
      jump b1
    b1:
      v3 = phi(1, 2)
      jump b2
    b2:
      v4 = phi(0, v5)
      v8 = stack()
      v9 = store 4 0(v8, v1)
      v10 = load 4 0(v8)
      if v10 ugt32 v4 jump b3 else b4
    b3:
      v6 = store 4 0(v0, v4)
      jump b4
    b4:
      v5 = alu add 32(v4, 1)
      if v5 ne32 64 jump b2 else b5
    b5:
      v7 = alu add 32(v3, 4)
      if v3 eq32 2 jump b8 else b9
    b8:
      return v7
    b9:
      return v1
    "
  `)
})

test('of two counters that end a loop, that is seen which every round steps by the same', () => {
  const text = `
  b0:
    v0 = context()
    jump b1
  b1:
    v1 = phi(0, v6)
    v2 = phi(14, v5)
    if v1 ult32 20 jump b2 else b9
  b2:
    if v2 ult32 200 jump b3 else b9
  b3:
    v3 = changing 4 8(v0)
    v4 = alu add 32(v2, 4)
    if v3 ugt32 5 jump b4 else b5
  b4:
    v7 = alu add 32(v4, 2)
    jump b5
  b5:
    v5 = phi(v4, v7)
    v6 = alu add 32(v1, 1)
    jump b1
  b9:
    return v2`
  const hideAll = (graph: Parameters<typeof hideCarried>[0]): void => {
    for (const block of graph.blocks) if (block.id > 0 && block.id < 9) Object.assign(block, { rounds: 20 })
    hideCarried(graph)
  }
  expect(changedBy(hideAll, text)).toMatchInlineSnapshot(`
    "
    b0:
      v0 = context()
      jump b1
    b1:
      v1 = phi(0, v6)
      v2 = phi(14, v5)
      v8 = stack()
      v9 = store 4 0(v8, v2)
      v10 = load 4 0(v8)
      if v1 ult32 20 jump b2 else b9
    b2:
      if v10 ult32 200 jump b3 else b9
    b3:
      v3 = load 4 8(v0)
      v4 = alu add 32(v10, 4)
      if v3 ugt32 5 jump b4 else b5
    b4:
      v7 = alu add 32(v4, 2)
      jump b5
    b5:
      v5 = phi(v4, v7)
      v6 = alu add 32(v1, 1)
      jump b1
    b9:
      return v10
    "
  `)
})
