import { expect, test, vi } from 'vitest'
import type { Machine } from '../../backend/machine.ts'
import type { MapDescription } from '../../isa/program.ts'
import { bridgeFile } from '../../testing/bridge-file.ts'
import { engineBench } from '../../testing/engine-bench.ts'
import { isMapPath } from '../graph/paths.ts'
import { Beginning } from './beginning.ts'

const u32 = { kind: 'scalar', size: 4, signed: false, align: 4 } as const
const described: MapDescription = { kind: 'array', key: u32, value: u32, entries: 1 }
const key = new Uint8Array(4)

/** What was made of a machine's maps: how many, and which of them nobody has let go of. */
function watched({ machine }: ReturnType<typeof engineBench>) {
  const create = machine.createMap.bind(machine)
  const held = new Set<string>()
  const made: string[] = []
  vi.spyOn(machine, 'createMap').mockImplementation((name, description) => {
    const map = create(name, description)
    const id = `${name} ${made.push(name)}`
    held.add(id)
    const dispose = map[Symbol.dispose].bind(map)
    vi.spyOn(map, Symbol.dispose).mockImplementation(() => {
      held.delete(id)
      dispose()
    })
    return map
  })
  return { made, held }
}

test('maps of a new graph are made once, and let go of', async () => {
  const it = engineBench()
  const { made, held } = watched(it)
  await it.engine.apply(await bridgeFile())
  expect(made.length).toBe(it.machine.pinned('lan').filter(isMapPath).length)
  expect([...held]).toEqual([])
})

test('what was made early of a graph that cannot be is let go of', async () => {
  const it = engineBench()
  const { made, held } = watched(it)
  const write = vi.spyOn(it.records, 'write').mockImplementation(() => {
    throw new Error('the disk is full')
  })
  await expect(it.engine.apply(await bridgeFile())).rejects.toThrow('the disk is full')
  expect(write).toHaveBeenCalledOnce()
  expect(made.length).toBeGreaterThan(0)
  expect([...held]).toEqual([])
})

test('nothing is made early of what somebody only asks about, or of a change', async () => {
  const it = engineBench()
  const { made } = watched(it)
  await it.engine.plan(await bridgeFile())
  expect(made).toEqual([])
  await it.engine.apply(await bridgeFile())
  made.splice(0)
  await it.engine.apply(await bridgeFile({ agingTime: 60 }))
  expect(made).toEqual([])
})

test('interfaces of a new graph are told of early, and of no other', async () => {
  const it = engineBench()
  const attachSoon = vi.spyOn<Machine, 'attachSoon'>(it.machine, 'attachSoon')
  await it.engine.plan(await bridgeFile())
  expect(attachSoon).not.toHaveBeenCalled()
  await it.engine.apply(await bridgeFile())
  expect(attachSoon.mock.calls.map(([{ name }, point]) => [name, point])).toEqual([
    ['va', 'tc ingress'],
    ['vb', 'tc ingress'],
  ])
  await it.engine.apply(await bridgeFile({ agingTime: 60 }))
  expect(attachSoon).toHaveBeenCalledTimes(2)
})

test('a map that was made early is for who wants one like it, once', () => {
  const { machine } = engineBench()
  using beginning = new Beginning(machine)
  const program = { name: 'p', hook: 'tc', instructions: [], maps: { m: described }, lines: [], stack: 0 } as const
  const value = Uint8Array.of(7, 0, 0, 0)
  const loadSoon = vi.spyOn(machine, 'loadSoon')
  beginning.expect({ program, maps: { m: 'lan/s/maps/m' } })
  loadSoon.mock.calls[0]?.[1].m?.update(key, value)
  using larger = beginning.map('lan/s/maps/m', { ...described, entries: 2 })
  using other = beginning.map('lan/t/maps/m', described)
  using same = beginning.map('lan/s/maps/m', described)
  using again = beginning.map('lan/s/maps/m', described)
  expect([larger, other, same, again].map((map) => map.lookup(key))).toEqual([key, key, value, key])
})
