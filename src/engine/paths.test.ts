import { expect, test } from 'vitest'
import { builtinCubes, openVirtualMachine, packet } from '../testing/index.ts'
import { Engine } from './engine.ts'
import { isLinkPath, linkPath } from './paths.ts'
import { readGraph } from './read.ts'
import { MemoryRecords } from './records.ts'

test.each([
  ['va', 'va'],
  ['eth0.100', 'eth0=2E100'],
  ['eth0=2E100', 'eth0=3D2E100'],
  ['blue/eth0.1', 'blue/eth0=2E1'],
  ['@next', '=40next'],
  ['bü~', 'b=C3=BC=7E'],
])('an interface %s is in a path as %s', (name, path) => {
  const at = linkPath('lan', '+interfaces', name, 'tc ingress')
  expect(at).toBe(`lan/+interfaces/links/${path}`)
  expect(isLinkPath(at)).toBe(true)
})

test('cubes on an interface with a dot in its name', async () => {
  const [machine, records, catalogue] = [openVirtualMachine(), new MemoryRecords(), builtinCubes()]
  machine.addInterface('eth0.100', { mac: '06:00:00:00:00:01' })
  const lock = async () => ({ [Symbol.dispose]() {} })
  const engine = new Engine({ machine, records, catalogue, lock })
  const text = `graph: lan
instances: { g: { cube: ./src/testing/cubes/tap } }
interfaces: { eth0.100: { through: [g] } }
`
  const file = await readGraph('lan.yaml', text, catalogue)
  await engine.apply(file)
  expect(machine.pinned('lan')).toContain('lan/+interfaces/egress/eth0=2E100')
  machine.receive('eth0.100', packet().ethernet().padded(60))
  expect(machine.passed).toHaveLength(1)
  expect((await engine.apply(file)).actions).toEqual([])
  await engine.delete('lan')
  expect(machine.pinned('')).toEqual([])
})
