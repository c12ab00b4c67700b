import { describe, expect, test } from 'vitest'
import { changedBy } from './graph-text.ts'
import { joinedOctets } from './octets.ts'

const START = `
  b0:
    v0 = context()
    v1 = start 4 76(v0)
    v2 = load 8 0(v1)`

/** The octets of v2, each at its place. */
const placed = (places: readonly (readonly [from: number, to: number])[]): string => {
  let next = 3
  const emit = (text: string): string => {
    lines.push(`v${next} = ${text}`)
    return `v${next++}`
  }
  const lines: string[] = []
  let sum = ''
  for (const [from, to] of places) {
    const shifted = emit(`alu rsh 64(v2, ${8 * from})`)
    const octet = emit(`alu and 64(${shifted}, 255)`)
    const one = emit(`alu lsh 64(${octet}, ${8 * to})`)
    sum = sum === '' ? one : emit(`alu or 64(${sum}, ${one})`)
  }
  return `${START}\n    ${[...lines, `return ${sum}`].join('\n    ')}`
}

const eight = [0, 1, 2, 3, 4, 5, 6, 7]
/** What the last lines of a graph are, when the pass has been over it. */
const last = (text: string, lines: number): string =>
  changedBy(joinedOctets, text)
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .map((line) => line.trim())
    .join('\n')

describe('numbers put together of octets', () => {
  test('in their order are what they were taken from', () => {
    expect(last(placed(eight.map((at) => [at, at])), 1)).toBe('return v2')
  })

  test('the other way round are turned round at once', () => {
    expect(last(placed(eight.map((at) => [at, 7 - at])), 2)).toMatchInlineSnapshot(`
      "v34 = swap 64(v2)
      return v34"
    `)
  })

  test('of half of a word, too', () => {
    expect(last(placed([0, 1, 2, 3].map((at) => [at, 3 - at])), 2)).toMatchInlineSnapshot(`
      "v18 = swap 32(v2)
      return v18"
    `)
    expect(last(placed([4, 5, 6, 7].map((at) => [at, 7 - at])), 3)).toMatchInlineSnapshot(`
      "v18 = alu rsh 64(v2, 32)
      v19 = swap 32(v18)
      return v19"
    `)
  })

  test('are shifted to where they belong', () => {
    expect(last(placed([0, 1, 2, 3].map((at) => [at, at + 4])), 3)).toMatchInlineSnapshot(`
      "v18 = low32(v2)
      v19 = alu lsh 64(v18, 32)
      return v19"
    `)
  })

  test.each([
    ['there are three', [0, 1, 2].map((at) => [at, 2 - at] as const)],
    ['they are in another order', [0, 2, 1, 3].map((at, to) => [at, to] as const)],
    ['one is there twice', [0, 1, 1, 3].map((at, to) => [at, to] as const)],
    ['two lie at the same place', [0, 1, 2, 2].map((to, at) => [at, to] as const)],
    ['they begin within a half', [2, 3, 4, 5].map((at, to) => [at, to] as const)],
  ])('stay as they are where %s', (_, places) => {
    expect(changedBy(joinedOctets, placed(places))).toBe(changedBy(() => false, placed(places)))
  })
})
