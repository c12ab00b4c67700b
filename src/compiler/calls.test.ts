import { join } from 'node:path'
import { expect, test } from 'vitest'
import { chapters, compileCase } from './cases/read.ts'
import { loadModules } from './modules.ts'

const cases = chapters().flatMap(({ title, cases }) => (title === 'Functions' || title === 'Locks' ? cases : []))
const modules = await loadModules(join(import.meta.dirname, 'cases', 'lan.ts'))

test.each([
  ['with several returns', []],
  ['large, and called twice: it is called', ['mixed(u32, u32)']],
  ['called with the packet, the time and a table, and gives nothing back', ['visit(context, u64, u64)']],
  ['called, and calls', ['mixed(u64, u32)', 'farther(u64, u32)']],
  ['called with an address, which is also the result', ['nearest(u32, u32, u32, u32)']],
  ['called nowhere that can be reached', []],
  ['large, with a value that leaves no room for another frame: it is compiled in', []],
  ['that ends in a verdict: it is compiled in', []],
  ['functions with many ways that it calls', []],
  ['called in a long loop: it is walked once, not every round', ['mixed(u32, u32)']],
  ['called in a loop, with choices that depend on the rounds before', ['mixed(u32, u32)']],
])('%s', (title, expected) => {
  const source = cases.find((one) => one.title === title)?.source ?? ''
  const called = compileCase(modules, source).functions ?? []
  expect(called.map(({ name, parameters }) => `${name}(${parameters.join(', ')})`)).toEqual(expected)
})
