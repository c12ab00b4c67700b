import { describe, expect, test } from 'vitest'
import type { Graph } from '../ir.ts'
import { graphOf } from './graph-text.ts'
import { usedGraphs } from './unused.ts'

const calling = (...names: readonly string[]): Graph =>
  graphOf(['b0:', ...names.map((name, index) => `v${index} = invoke ${name}()`), 'return 0'].join('\n'))

const named = (name: string, graph: Graph): Graph => {
  const { at } = graph.entry.end ?? {}
  if (at === undefined) throw new Error('no end')
  return { ...graph, signature: { name, parameters: [], at } }
}

describe('functions', () => {
  test('that are called, also by others, stay, each once and in order; the others are left out', () => {
    const graphs = [
      calling('second', 'second'),
      named('first', calling()),
      named('second', calling('third')),
      named('third', calling('second')),
      named('fourth', calling('first')),
    ]
    expect(usedGraphs(graphs).map(({ signature }) => signature?.name)).toEqual([undefined, 'second', 'third'])
  })

  test('of nothing are none', () => {
    expect(usedGraphs([])).toEqual([])
  })
})
