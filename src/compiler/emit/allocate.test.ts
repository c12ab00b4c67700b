import { describe, expect, test } from 'vitest'
import { listing } from '../passes/graph-text.ts'

describe('registers', () => {
  test('coalescing: a loop counts in one register, without copies', () => {
    const text = `
      v0 = context()
      v1 = load 4 0(v0)
      jump b1
      b1:
        v2 = phi(0, v4)
        v3 = phi(v1, v5)
        v4 = alu add 32(v2, 1)
        v5 = alu mul 32(v3, 31)
        if v4 ne32 16 jump b1 else b2
      b2:
        return v5`
    expect(listing(text)).toMatchInlineSnapshot(`
      "
      r0 = *(u32 *)(r1 +0)
      r1 = 0
      w1 += 1
      w0 *= 31
      if w1 != 16 goto -3
      exit
      "
    `)
  })

  test('two phis that exchange their values do so through a third register', () => {
    const text = `
      v0 = context()
      v1 = load 4 0(v0)
      v2 = load 4 4(v0)
      jump b1
      b1:
        v3 = phi(v1, v4)
        v4 = phi(v2, v3)
        if v3 ult32 v4 jump b1 else b2
      b2:
        return v3`
    expect(listing(text)).toMatchInlineSnapshot(`
      "
      r0 = *(u32 *)(r1 +0)
      r1 = *(u32 *)(r1 +4)
      if w0 >= w1 goto +4
      r2 = r1
      r1 = r0
      r0 = r2
      goto -5
      exit
      "
    `)
  })

  test('what could not be made one has the same register all the same, where that is free', () => {
    const ids = [0, 1, 2, 3, 4, 5, 6, 7]
    const text = `
      v0 = context()
      ${ids.map((id) => `v${10 + id} = changing 4 ${4 * id}(v0)`).join('\n')}
      if v10 uge64 v11 jump b2 else b1
      b1:
        ${ids.map((id) => `v${20 + id} = changing 4 ${4 * id + 100}(v0)`).join('\n')}
        jump b2
      b2:
        ${ids.map((id) => `v${30 + id} = phi(v${10 + id}, v${20 + id}, v${40 + id})`).join('\n')}
        ${ids.map((id) => `v${40 + id} = alu add 32(v${30 + id}, v${30 + ((id + 1) % 8)})`).join('\n')}
        if v40 ult32 v41 jump b2 else b3
      b3:
        return v41`
    const copies = listing(text).match(/^r\d = r\d$/gm)
    expect(copies).toHaveLength(5)
  })

  test('what lives across rare calls alone is kept on the stack there, and needs no register that has to be saved', () => {
    const text = (end: string) => `
      b0:
        v0 = context()
        v1 = start 4 76(v0)
        v2 = load 4 80(v0)
        if v1 uge64 v2 jump b1 else b2
      b1 rare:
        v3 = call skb_pull_data(v0, 60)
        v4 = start 4 76(v0)
        jump b2
      b2:
        v5 = phi(v1, v4)
        v6 = load 4 0(v5)
        ${end}`
    expect(listing(text('return v6'))).toMatchInlineSnapshot(`
      "
      r0 = *(u32 *)(r1 +76)
      r2 = *(u32 *)(r1 +80)
      if r0 < r2 goto +5
      r2 = 60
      *(u64 *)(r10 -8) = r1
      call skb_pull_data#39
      r1 = *(u64 *)(r10 -8)
      r0 = *(u32 *)(r1 +76)
      r0 = *(u32 *)(r0 +0)
      exit
      "
    `)
    // The context is in such a register already.
    expect(listing(text('v7 = call ktime_get_ns()\nv8 = changing 4 0(v0)\nreturn v8'))).not.toContain('r10')
  })

  const acrossCall = (load: string) => {
    const loads = [1, 2, 3, 4, 5, 6].map((id) => `v${id} = ${load} 4 ${4 * id}(v0)`)
    const sums = [2, 3, 4, 5, 6].map((id) => `v${id + 10} = alu xor 32(v${id === 2 ? 1 : id + 9}, v${id})`)
    return ['v0 = context()', ...loads, 'v9 = call redirect(1, 0)', ...sums, 'return v16'].join('\n')
  }

  test('what is on the stack is written once when it is known, and not read where a register still has it', () => {
    const kept = [1, 2, 3].map((id) => `v${id} = changing 4 ${4 * id}(v0)`)
    const places = [8, 12, 16, 20, 24]
    const used = [1, 2, 3].flatMap((id) => places.map((place) => `v${10 * id + place} = store 4 ${place}(v5, v${id})`))
    const text = `
      v0 = context()
      v5 = start 4 76(v0)
      ${kept.join('\n')}
      v6 = alu add 64(v5, 6)
      v7 = call redirect(1, v6)
      v8 = call redirect(2, v6)
      ${used.join('\n')}
      return 0`
    expect(listing(text)).toMatchInlineSnapshot(`
      "
      r6 = *(u32 *)(r1 +76)
      r7 = *(u32 *)(r1 +4)
      r8 = *(u32 *)(r1 +8)
      r9 = *(u32 *)(r1 +12)
      r0 = r6
      r0 += 6
      *(u64 *)(r10 -8) = r0
      r1 = 1
      r2 = r0
      call redirect#23
      r1 = 2
      r2 = *(u64 *)(r10 -8)
      call redirect#23
      *(u32 *)(r6 +8) = r7
      *(u32 *)(r6 +12) = r7
      *(u32 *)(r6 +16) = r7
      *(u32 *)(r6 +20) = r7
      *(u32 *)(r6 +24) = r7
      *(u32 *)(r6 +8) = r8
      *(u32 *)(r6 +12) = r8
      *(u32 *)(r6 +16) = r8
      *(u32 *)(r6 +20) = r8
      *(u32 *)(r6 +24) = r8
      *(u32 *)(r6 +8) = r9
      *(u32 *)(r6 +12) = r9
      *(u32 *)(r6 +16) = r9
      *(u32 *)(r6 +20) = r9
      *(u32 *)(r6 +24) = r9
      r0 = 0
      exit
      "
    `)
  })

  test('what lives across a call is in r6 to r9, what does not fit there on the stack', () => {
    expect(listing(acrossCall('changing'))).toMatchInlineSnapshot(`
      "
      r0 = *(u32 *)(r1 +4)
      *(u64 *)(r10 -16) = r0
      r0 = *(u32 *)(r1 +8)
      *(u64 *)(r10 -8) = r0
      r6 = *(u32 *)(r1 +12)
      r7 = *(u32 *)(r1 +16)
      r8 = *(u32 *)(r1 +20)
      r9 = *(u32 *)(r1 +24)
      r1 = 1
      r2 = 0
      call redirect#23
      r0 = *(u64 *)(r10 -16)
      r1 = *(u64 *)(r10 -8)
      w0 ^= w1
      w0 ^= w6
      w0 ^= w7
      w0 ^= w8
      w0 ^= w9
      exit
      "
    `)
  })

  test('what does not change is loaded again instead of kept on the stack', () => {
    expect(listing(acrossCall('load'))).toMatchInlineSnapshot(`
      "
      r6 = r1
      r7 = *(u32 *)(r6 +16)
      r8 = *(u32 *)(r6 +20)
      r9 = *(u32 *)(r6 +24)
      r1 = 1
      r2 = 0
      call redirect#23
      r0 = *(u32 *)(r6 +4)
      r1 = *(u32 *)(r6 +8)
      w0 ^= w1
      r1 = *(u32 *)(r6 +12)
      w0 ^= w1
      w0 ^= w7
      w0 ^= w8
      w0 ^= w9
      exit
      "
    `)
  })

  test('values that are kept at different times share a place on the stack', () => {
    const round = (base: number) => {
      const loads = [1, 2, 3, 4, 5, 6].map((id) => `v${base + id} = changing 4 ${4 * id}(v0)`)
      const sums = [2, 3, 4, 5, 6].map(
        (id) => `v${base + id + 10} = alu xor 32(v${base + (id === 2 ? 1 : id + 9)}, v${base + id})`,
      )
      return [...loads, `v${base + 9} = call redirect(1, 0)`, ...sums, `v${base + 19} = store 4 0(v0, v${base + 16})`]
    }
    const places = (text: readonly string[]) =>
      new Set(listing(['v0 = context()', ...text, 'return 0'].join('\n')).match(/r10 -\d+/g))
    expect(places(round(0)).size).toBeGreaterThan(0)
    expect(places([...round(0), ...round(100)])).toEqual(places(round(0)))
  })
})
