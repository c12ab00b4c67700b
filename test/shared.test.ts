/** Programs that share one with others are what would have been compiled for their own numbers. */
import { describe, expect, test } from 'vitest'
import { Refusal } from '../src/base/diagnostic.ts'
import type { Assembly, Way } from '../src/compiler/assembly.ts'
import { assemble } from '../src/compiler/compile.ts'
import { assembleOnce } from '../src/engine/stitch/programs.ts'
import type { Program } from '../src/isa/program.ts'
import { openVirtualMachine } from '../src/testing/index.ts'
import { assemblyOf, fusedTrial, judgeFused } from './differential/fused.ts'
import { mulberry } from './differential/tape.ts'
import { loadShared } from './differential/trial.ts'

const modules = await loadShared()
const TRIALS = Array.from({ length: 16 }, (_, seed) => seed)

/** The same graph with other names and numbers. */
function changed(assembly: Assembly, by: number): Assembly {
  const nodes = assembly.nodes.map((node, index) => ({
    ...node,
    instance: `${node.instance}-${by}`,
    capacity: 1024,
    config: Object.fromEntries(
      Object.entries(node.config).map(([name, value]) => [name, typeof value === 'number' ? value + by : value]),
    ),
    port: { config: {}, id: numberOf(index, by, 0) },
    ways: node.ways.map((way): Way => {
      const port = numberOf(index, by, way.port)
      return way.to === 'interface' ? { ...way, port, ifindex: 100_000 * by + 100 * index + port } : { ...way, port }
    }),
  }))
  return { ...assembly, name: `by ${by}`, nodes }
}

/** No other number of a program is like it. */
const numberOf = (node: number, by: number, port: number): number => 331 + 97 * by + 17 * node + 3 * port

/** Undefined where it is refused. */
function made(make: (assembly: Assembly) => Program, assembly: Assembly): Program | undefined {
  try {
    return make(assembly)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return undefined
  }
}

describe('random graphs', () => {
  test.each(TRIALS)('of seed %i, to the byte', (seed) => {
    const assembly = assemblyOf(fusedTrial(modules, mulberry(seed)))
    for (const by of [1, 2, 3]) {
      const one = changed(assembly, by)
      expect({ ...made(assembleOnce, one), open: undefined }).toEqual({ ...made(assemble, one), open: undefined })
    }
  })

  test.each(TRIALS)('of seed %i do the same with numbers that are alike', (seed) => {
    using machine = openVirtualMachine()
    const trial = fusedTrial(modules, mulberry(seed))
    made(assembleOnce, changed(assemblyOf(trial), 1))
    expect(judgeFused(trial, machine, assembleOnce)).toBe('')
  })
})
