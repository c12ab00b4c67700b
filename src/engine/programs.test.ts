import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Assembly } from '../compiler/assembly.ts'
import { type DataPlaneSource, readDataPlane } from '../compiler/compile.ts'
import { assembleOnce } from './programs.ts'

const BRIDGE = join(import.meta.dirname, '../cubes/bridge/dataplane.ts')

const bridge = (source: DataPlaneSource, agingTime: number): Assembly => ({
  name: 'office_a',
  nodes: [
    {
      source,
      instance: 'switch',
      config: { agingTime },
      port: { id: 0, config: { learning: true } },
      ways: [{ port: 0, to: 'interface', ifindex: 1 }],
      capacity: 1,
    },
  ],
})

test('a program is compiled once for the same source and options', async () => {
  const first = assembleOnce(bridge(await readDataPlane(BRIDGE), 300))
  expect(assembleOnce(bridge(await readDataPlane(BRIDGE), 300))).toBe(first)
  expect(assembleOnce(bridge(await readDataPlane(BRIDGE), 301))).not.toBe(first)
})

test('and anew where a module that it is made of has changed', async () => {
  const source = await readDataPlane(BRIDGE)
  const first = assembleOnce(bridge(source, 300))
  const [[path, module] = []] = [...source.modules].filter(([path]) => path !== source.module.path)
  if (path === undefined || module === undefined) throw new Error('the bridge imports nothing')
  const changed = { ...source, modules: new Map([...source.modules, [path, { ...module }]]) }
  const second = assembleOnce(bridge(changed, 300))
  expect(second).not.toBe(first)
  expect(second).toEqual(first)
  expect(assembleOnce(bridge(changed, 300))).toBe(second)
})
