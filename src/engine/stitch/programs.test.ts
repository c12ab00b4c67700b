import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Assembly } from '../../compiler/assembly.ts'
import { type DataPlaneSource, readDataPlane } from '../../compiler/compile.ts'
import { HELPER } from '../../isa/opcodes.ts'
import { assembleOnce } from './programs.ts'

const BRIDGE = join(import.meta.dirname, '../../cubes/bridge/dataplane.ts')

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

test('a program goes over to another one at one place, flooded or forwarded', async () => {
  const source = await readDataPlane(BRIDGE)
  const copy = { ifindex: 9, mark: 17, most: 1024 }
  const [node] = bridge(source, 300).nodes
  if (node === undefined) throw new Error('there is no node')
  const ways = [
    { port: 0, to: 'interface', ifindex: 1 },
    { port: 1, to: 'tail', slot: 5, copy },
    { port: 2, to: 'tail', slot: 6, copy },
  ] as const
  const { instructions } = assembleOnce({ ...bridge(source, 300), slots: 64, nodes: [{ ...node, ways, capacity: 3 }] })
  const goingOver = instructions.filter(({ opcode, imm }) => opcode === 0x85 && imm === HELPER.tail_call)
  expect(goingOver.length).toBe(2)
})
