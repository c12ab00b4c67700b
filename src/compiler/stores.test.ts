import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chapters, readCase } from './cases/read.ts'
import { toUnoptimised } from './compile.ts'
import { printGraph, type Value } from './ir.ts'
import { loadModules } from './modules.ts'

const modules = await loadModules(join(import.meta.dirname, 'cases', 'lan.ts'))

/** Whether an address is where the packet begins, or computed from that. */
function isInPacket(address: Value, seen: Set<Value> = new Set()): boolean {
  if (seen.has(address)) return false
  seen.add(address)
  if (address.op === 'load') return address.start === true
  if (address.op === 'phi') return address.arguments.some((one) => isInPacket(one, seen))
  const [base] = address.arguments
  return address.op === 'alu' && base !== undefined && isInPacket(base, seen)
}

// What was read before a store to the packet may be something else afterwards: passes know that of such stores only.
describe.each(['tc', 'xdp'] as const)('what is written to the packet at %s is known to be', (hook) => {
  test.each(chapters().filter((chapter) => chapter.hook === 'tc' || hook === 'xdp'))('$title', ({ cases, shape }) => {
    for (const { title, source, expected } of cases) {
      if (expected !== '') continue
      for (const graph of toUnoptimised(...readCase(modules, source, hook, shape))) {
        const stores = graph.blocks.flatMap(({ values }) => values).filter((value) => value.op === 'store')
        const wrong = stores.filter(({ to, arguments: [base] }) => {
          return (to === 'packet') !== (base !== undefined && isInPacket(base))
        })
        expect(
          wrong.map(({ id }) => `v${id}`),
          `${title}\n${printGraph(graph)}`,
        ).toEqual([])
      }
    }
  })
})
