/** What is left where a change is refused half-way, and where something of another graph was left half-done. */
import { expect, test } from 'vitest'
import { builtinCubes, openVirtualMachine, packet, through } from '../testing/index.ts'
import { Engine } from './engine.ts'
import { readGraph } from './read.ts'
import { MemoryRecords, type Records } from './records.ts'

const catalogue = builtinCubes()
const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']
const SECOND = 1_000_000_000n

/** A graph with a bridge between interfaces. */
const bridge = (graph: string, ports: readonly string[], agingTime = 300) =>
  readGraph(
    `${graph}.yaml`,
    [
      `graph: ${graph}`,
      'instances:',
      '  s:',
      '    cube: bridge',
      `    config: { agingTime: ${agingTime} }`,
      '    ports:',
      ...ports.map((name) => `      ${name}: { interface: ${name} }`),
      '',
    ].join('\n'),
    catalogue,
  )

/** A machine with the interfaces va to vd, and an engine on it. */
function bench() {
  const machine = openVirtualMachine()
  const arrived = new Set<string>()
  for (const [index, name] of ['va', 'vb', 'vc', 'vd'].entries()) {
    machine.addInterface(name, { mac: `06:00:00:00:00:0${index}` })
    machine.plug(name, { receive: () => void arrived.add(name) })
  }
  const records: Records = new MemoryRecords()
  const lock = async () => ({ [Symbol.dispose]() {} })
  const engineOn = (parts: { machine?: typeof machine; records?: Records } = {}) =>
    new Engine({ machine, records, catalogue, lock, ...parts })
  const send = (from: string, source: string, destination: string): string => {
    arrived.clear()
    machine.receive(from, packet().ethernet({ source, destination }).padded(60))
    return [...arrived].sort().join(' ')
  }
  return { machine, records, engine: engineOn(), engineOn, send }
}

test('where an interface vanishes between two steps, the change is refused, and all others are as before', async () => {
  const it = bench()
  await it.engine.apply(await bridge('lan', ['va', 'vb', 'vc'], 300))
  const before = it.records.read('lan')
  it.send('vc', bob, alice)
  it.machine.clock.advance(100n * SECOND)
  let replaced = 0
  const machine = through(it.machine, (operation, run) => {
    const result = run()
    if (operation === 'replace' && ++replaced === 1) it.machine.removeInterface('vb')
    return result
  })
  const changed = await bridge('lan', ['va', 'vb', 'vc'], 10)
  await expect(it.engineOn({ machine }).apply(changed)).rejects.toThrow('the interface vb went away meanwhile')
  expect(it.records.read('lan')).toEqual(before)
  expect(it.machine.pinned('lan/@next')).toEqual([])
  // With an ageing time of 10 s it is flooded.
  expect(it.send('va', alice, bob)).toBe('vc')
  await it.engine.status('lan')
  expect(it.records.read('lan')).toEqual(before)
})
