/** What becomes of sums for checksums, and of what is stored in the packet in between. */
import { describe, expect, test } from 'vitest'
import type { Graph, Value } from '../ir.ts'
import { subtractComplements } from './complements.ts'
import { deadCode } from './dead.ts'
import { expandFolds } from './folds.ts'
import { changedBy, graphOf } from './graph-text.ts'
import { numberValues } from './numbering.ts'
import { evaluate } from './simplify.ts'
import { packetStores } from './stores.ts'
import { shortenSums } from './sums.ts'

describe('what is stored in the packet', () => {
  test('is not loaded from there, and not stored if it is stored over, on whatever way', () => {
    const text = `
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 1 40(v1)
      v3 = put 2 24(v1, v2)
      if v2 eq32 0 jump b1 else b2
    b1:
      v4 = load 1 30(v1)
      jump b3
    b2:
      v5 = load 2 24(v1)
      jump b3
    b3:
      v6 = phi(v4, v5)
      v7 = load 2 24(v1)
      v8 = alu add 32(v7, v6)
      v9 = put 2 24(v1, v8)
      v10 = load 2 24(v1)
      v11 = put 4 22(v1, 66051)
      v12 = load 1 24(v1)
      return v10`
    expect(changedBy(packetStores, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 1 40(v1)
        if v2 eq32 0 jump b1 else b2
      b1:
        v4 = load 1 30(v1)
        jump b3
      b2:
        jump b3
      b3:
        v6 = phi(v4, v2)
        v8 = alu add 32(v2, v6)
        v10 = alu and 32(v8, 65535)
        v11 = store 4 22(v1, 66051)
        return v10
      "
    `)
  })

  test('is, after a call that sees the packet, or a store by another pointer', () => {
    const text = `
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 1 40(v1)
      v3 = alu add 64(v1, v2)
      v4 = put 2 24(v1, 1)
      v5 = put 2 0(v3, 2)
      v6 = load 2 24(v1)
      v7 = put 2 24(v1, 3)
      v8 = call redirect(1, 0)
      v9 = put 2 24(v1, 4)
      v10 = call skb_pull_data(v0, 60)
      v11 = load 2 24(v1)
      return v11`
    expect(packetStores(graphOf(text))).toBe(false)
  })
})

describe('checksums', () => {
  test('of two changes there is one sum, and of what the first one wrote only a constant', () => {
    const text = `
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 1 22(v1)
      v3 = load 2 24(v1)
      v4 = load 1 30(v1)
      v5 = alu xor 64(v2, 65535)
      v6 = alu add 64(v5, v4)
      v7 = alu xor 64(v3, 65535)
      v8 = alu add 64(v6, v7)
      v9 = fold 16(v8)
      v10 = alu xor 64(v4, 65535)
      v11 = alu add 64(v10, 64)
      v12 = alu add 64(v11, v9)
      v13 = fold 16(v12)
      v14 = alu xor 64(v13, 65535)
      v15 = put 2 24(v1, v14)
      return 0`
    expect(changedBy(shortenSums, text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 1 22(v1)
        v3 = load 2 24(v1)
        v4 = load 1 30(v1)
        v5 = alu xor 64(v2, 65535)
        v6 = alu add 64(v5, v4)
        v7 = alu xor 64(v3, 65535)
        v8 = alu add 64(v5, v7)
        v9 = fold 16(v8)
        v10 = alu xor 64(v4, 65535)
        v11 = alu add 64(v10, 64)
        v12 = alu add 64(v11, v9)
        v16 = alu add 64(v8, 64)
        v13 = fold 16(v16)
        v14 = alu xor 64(v13, 65535)
        v15 = store 2 24(v1, v14)
        return 0
      "
    `)
    expect(shortened(text)).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 1 22(v1)
        v3 = load 2 24(v1)
        v5 = alu xor 64(v2, 65535)
        v8 = alu sub 64(v5, v3)
        v16 = alu add 64(v8, 65599)
        v17 = alu rsh 64(v16, 16)
        v18 = alu and 64(v16, 65535)
        v19 = alu add 64(v18, v17)
        v20 = alu rsh 64(v19, 16)
        v21 = alu add 64(v19, v20)
        v23 = alu xor 64(v21, 65535)
        v15 = store 2 24(v1, v23)
        return 0
      "
    `)
  })

  test('a complement is subtracted, where its constant costs nothing or there are several', () => {
    const text = `
      v0 = context()
      v1 = start 4 76(v0)
      v2 = load 2 24(v1)
      v3 = load 1 23(v1)
      v4 = load 4 30(v1)
      v5 = load 2 26(v1)
      v6 = alu xor 64(v2, 65535)
      v7 = alu xor 64(v3, 65535)
      v8 = alu lsh 64(v7, 8)
      v9 = alu add 64(v6, v4)
      v10 = alu add 64(v9, v8)
      v11 = alu add 64(v10, 7)
      v12 = fold 16(v11)
      v13 = alu xor 64(v5, 65535)
      v14 = load 4 34(v1)
      v15 = alu add 64(v14, v13)
      v16 = fold 32(v15)
      v17 = call redirect(v12, v16)
      return 0`
    expect(
      changedBy((graph) => {
        const folds = graph.blocks.flatMap(({ values }) => values.filter(({ op }) => op === 'fold'))
        subtractComplements(graph, folds)
        deadCode(graph)
      }, text),
    ).toMatchInlineSnapshot(`
      "
      b0:
        v0 = context()
        v1 = load 4 76(v0)
        v2 = load 2 24(v1)
        v3 = load 1 23(v1)
        v4 = load 4 30(v1)
        v5 = load 2 26(v1)
        v8 = alu lsh 64(v3, 8)
        v9 = alu sub 64(v4, v2)
        v10 = alu sub 64(v9, v8)
        v11 = alu add 64(v10, 16842502)
        v12 = fold 16(v11)
        v13 = alu xor 64(v5, 65535)
        v14 = load 4 34(v1)
        v15 = alu add 64(v14, v13)
        v16 = fold 32(v15)
        v17 = call redirect(v12, v16)
        return 0
      "
    `)
  })

  test('a sum that something else looks at is not taken apart', () => {
    const text = `
      v0 = context()
      v1 = load 4 0(v0)
      v2 = alu xor 64(v1, 4294967295)
      v3 = alu add 64(v2, v1)
      v4 = fold 16(v3)
      v5 = call redirect(v3, v4)
      v11 = load 4 4(v0)
      v6 = alu add 64(v11, v1)
      v7 = fold 16(v6)
      v8 = alu add 64(v7, v2)
      v9 = fold 16(v8)
      v10 = call redirect(v7, v9)
      return 0`
    expect(shortenSums(graphOf(text))).toBe(false)
  })

  const sums = [16n, 17n, 18n, 20n, 32n, 33n, 34n, 47n, 48n, 50n, 64n]
  const folds = sums.flatMap((width) => ([16, 32] as const).map((bits) => ({ width, bits })))
  test.each(folds)('a sum of $width bits is folded to $bits', ({ width, bits }) => {
    const graph = graphOf(`
      v0 = context()
      v1 = load 8 0(v0)
      v2 = alu rsh 64(v1, ${64n - width})
      v3 = fold ${bits}(v2)
      return v3`)
    expandFolds(graph)
    const most = (1n << width) - 1n
    const edges = [0n, 1n, 0xffffn, 0x10000n, 0x1fffen, 0x1ffffn, 0xffff_0000n, 0xffff_ffffn, most >> 1n, most - 1n]
    for (const sum of [...edges.filter((one) => one <= most), most]) {
      const folded = computed(graph, sum << (64n - width))
      const exact = sum === 0n ? 0n : ((sum - 1n) % 0xffffn) + 1n
      if (bits === 16) expect(folded).toBe(exact)
      else expect([folded >> 32n, folded % 0xffffn, folded === 0n]).toEqual([0n, exact % 0xffffn, sum === 0n])
    }
  })
})

/** What a graph of one block returns where all that it loads is `loaded`. */
function computed({ entry: { values, end } }: Graph, loaded: bigint): bigint {
  const known = new Map<Value, bigint>()
  const of = (value: Value | undefined): bigint => (value?.op === 'const' ? value.value : (known.get(value!) ?? 0n))
  for (const value of values) {
    const [a, b] = value.arguments
    known.set(value, value.op === 'alu' ? evaluate(value.alu, value.bits, of(a), of(b)) : loaded)
  }
  return end?.op === 'return' ? of(end.value) : 0n
}

/** As optimise does it. */
const shortened = (text: string): string =>
  changedBy((graph) => {
    while ([numberValues, packetStores, shortenSums, deadCode].map((pass) => pass(graph)).some((one) => one));
    expandFolds(graph)
    while ([numberValues, deadCode].map((pass) => pass(graph)).some((one) => one));
  }, text)
