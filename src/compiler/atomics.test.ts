import { join } from 'node:path'
import { expect, test } from 'vitest'
import { printInstruction } from '../isa/print.ts'
import { compileCase } from './cases/read.ts'
import { loadModules } from './modules.ts'

const modules = await loadModules(join(import.meta.dirname, 'cases', 'lan.ts'))

/** The atomic instruction of a data plane, and the one after it. */
function compiled(statement: string): string[] {
  const body = `const total = state.totals.get({ index: 1 })\nif (!total) return drop('unknown')\n${statement}`
  const { instructions } = compileCase(modules, body)

  const at = instructions.findIndex(({ opcode }) => (opcode & 0xe7) === 0xc3)
  return instructions.slice(at, at + 2).map((one) => printInstruction(one))
}

test.each([
  ["atomic.add(total, 'packets', 1)\nreturn pass()", /^lock \*\(u64 \*\)\(r\d \+0\) \+= r\d$/],
  ["atomic.and(total, 'last', 1)\nreturn pass()", /^lock \*\(u32 \*\)\(r\d \+8\) &= r\d$/],
  ["return forward(atomic.add(total, 'packets', 1))", /^r(\d) = atomic64_fetch_add\(.*, r\1\)$/],
  ["atomic.exchange(total, 'packets', 1)\nreturn pass()", /^r(\d) = atomic64_xchg\(.*, r\1\)$/],
])('%s', (statement, first) => {
  expect(compiled(statement)[0]).toMatch(first)
})

test('32 bits that were compared are zero-extended, whatever the kernel leaves above them', () => {
  const [compare, extend] = compiled("return forward(atomic.compareExchange(total, 'last', 1, 2))")
  expect(compare).toMatch(/^r0 = atomic_cmpxchg\(/)
  expect(extend).toMatch(/^w\d = w0$/)
})
