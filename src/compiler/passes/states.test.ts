import { describe, expect, test } from 'vitest'
import type { Value } from '../ir.ts'
import { graphOf } from './graph-text.ts'
import { isLasting, packetStates } from './states.ts'

/** Two loads of the same two bytes, with something in between. */
const between = (what: string) => `
  b0:
    v0 = context()
    v1 = start 4 76(v0)
    v2 = load 4 80(v0)
    v3 = load 2 12(v1)
    ${what}
    v9 = load 2 12(v1)
    return v9`

function states(text: string) {
  const graph = graphOf(text)
  const of = packetStates(graph)
  const load = (id: number): Extract<Value, { op: 'load' }> => {
    const found = graph.blocks.flatMap(({ values }) => values).find((value) => value.id === id)
    if (found?.op !== 'load') throw new Error(`v${id} is no load`)
    return found
  }
  const [first, last] = [load(3), load(9)]
  return {
    bytes: of.read(first) === of.read(last),
    packet: of.before(first, 'packet') === of.before(last, 'packet'),
    context: of.before(first, 'context') === of.before(last, 'context'),
  }
}

describe('states of the packet', () => {
  test('are the same as long as nothing is written', () => {
    expect(states(between('v4 = call ktime_get_ns()'))).toEqual({ bytes: true, packet: true, context: true })
  })

  test('a store begins one, but not for bytes elsewhere behind the same pointer', () => {
    expect(states(between('v4 = put 2 14(v1, 1)'))).toEqual({ bytes: true, packet: false, context: true })
    expect(states(between('v4 = put 2 13(v1, 1)'))).toEqual({ bytes: false, packet: false, context: true })
    expect(states(between('v5 = alu add 64(v1, v3)\nv4 = put 1 40(v5, 1)')).bytes).toBe(false)
  })

  test('what moves the packet begins one of all there is', () => {
    expect(states(between('v4 = call skb_pull_data(v0, 60)'))).toEqual({ bytes: false, packet: false, context: false })
  })

  test('ways of different states make a new one where they meet', () => {
    const ways = (what: string) => between(`if v3 eq32 8 jump b1 else b2\nb1:\n${what}\njump b3\nb2:\njump b3\nb3:`)
    expect(states(ways('v4 = load 1 0(v1)'))).toEqual({ bytes: true, packet: true, context: true })
    expect(states(ways('v4 = put 2 12(v1, 1)'))).toEqual({ bytes: false, packet: false, context: true })
  })

  test('room that is zeros already is nothing that was written', () => {
    expect(states(between('v4 = cleared 8 12(v1)'))).toEqual({ bytes: true, packet: true, context: true })
  })

  test('what nothing changes lasts', () => {
    expect(isLasting(graphOf(between('')), 'packet')).toBe(true)
    expect(isLasting(graphOf(between('v4 = put 2 12(v1, 1)')), 'packet')).toBe(false)
    expect(isLasting(graphOf(between('v4 = put 2 12(v1, 1)')), 'context')).toBe(true)
    expect(isLasting(graphOf(between('v4 = call skb_pull_data(v0, 60)')), 'context')).toBe(false)
    expect(isLasting(graphOf(between('')), 'shared')).toBe(false)
  })
})
