import { expect, test } from 'vitest'
import { builtinCubes, openVirtualMachine, packet } from '../../testing/index.ts'
import { Engine } from '../engine.ts'
import { MemoryRecords } from '../plan/records.ts'
import { readGraph } from '../read/read.ts'
import { isLinkPath, linkPath } from './paths.ts'

test.each([
  ['va', 'va'],
  ['eth0.100', 'eth0=2E100'],
  ['eth0=2E100', 'eth0=3D2E100'],
  ['blue/eth0.1', 'blue=2Feth0=2E1'],
  ['@next', '=40next'],
  ['bü~', 'b=C3=BC=7E'],
])('an interface %s is in a path as %s', (name, path) => {
  const at = linkPath('lan', '+interfaces', name, 'tc ingress')
  expect(at).toBe(`lan/+interfaces/links/${path}`)
  expect(isLinkPath(at)).toBe(true)
})

test('an interface that is called as a network namespace', async () => {
  const [machine, records, catalogue] = [openVirtualMachine(), new MemoryRecords(), builtinCubes()]
  for (const [index, name] of ['blue', 'blue/eth0'].entries())
    machine.addInterface(name, { mac: `06:00:00:00:00:0${index}` })
  const lock = async () => ({ [Symbol.dispose]() {} })
  const engine = new Engine({ machine, records, catalogue, lock })
  const tap = '{ cube: ./src/testing/cubes/tap }'
  const text = `graph: lan
instances: { g: ${tap}, h: ${tap} }
interfaces: { blue: { through: [g] }, blue/eth0: { through: [h] } }
`
  const file = await readGraph('lan.yaml', text, catalogue)
  await engine.apply(file)
  const links = machine.pinned('lan/+interfaces/links')
  expect([...links].sort()).toEqual(['lan/+interfaces/links/blue', 'lan/+interfaces/links/blue=2Feth0'])
  expect((await engine.apply(file)).actions).toEqual([])
  await engine.delete('lan')
  expect(machine.pinned('')).toEqual([])
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
