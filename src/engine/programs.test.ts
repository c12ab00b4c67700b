import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readDataPlane } from '../compiler/compile.ts'
import { compileOnce } from './programs.ts'

const BRIDGE = join(import.meta.dirname, '../cubes/bridge/dataplane.ts')

const options = (agingTime: number) => ({
  name: 'office_a',
  config: { agingTime },
  port: { learning: true },
  wiring: { port: 0, exits: [{ port: 0, ifindex: 1 }], capacity: 1 },
})

test('a program is compiled once for the same source and options', async () => {
  const first = compileOnce(await readDataPlane(BRIDGE), options(300))
  expect(compileOnce(await readDataPlane(BRIDGE), options(300))).toBe(first)
  expect(compileOnce(await readDataPlane(BRIDGE), options(301))).not.toBe(first)
})

test('and anew where a module that it is made of has changed', async () => {
  const source = await readDataPlane(BRIDGE)
  const first = compileOnce(source, options(300))
  const [[path, module] = []] = [...source.modules].filter(([path]) => path !== source.module.path)
  if (path === undefined || module === undefined) throw new Error('the bridge imports nothing')
  const changed = { ...source, modules: new Map([...source.modules, [path, { ...module }]]) }
  const second = compileOnce(changed, options(300))
  expect(second).not.toBe(first)
  expect(second).toEqual(first)
  expect(compileOnce(changed, options(300))).toBe(second)
})
