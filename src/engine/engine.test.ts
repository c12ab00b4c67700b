import { resolve } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Unending } from '../backend/unending.ts'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { bridgeFile, bridgePins, bridgeText } from '../testing/bridge-file.ts'
import { type EngineBench, engineBench } from '../testing/engine-bench.ts'
import { builtinCubes, packet, through } from '../testing/index.ts'
import { Engine } from './engine.ts'
import { lookOf } from './look/sights.ts'
import { readGraph } from './read/read.ts'

const catalogue = builtinCubes()
/** Two bridges, one between interfaces and twice to the other one, and what is on an interface of something else. */
const RING = `graph: lan
instances:
  s:
    cube: bridge
    ports:
      a: { interface: va }
      b: { interface: vb }
      x: { to: t.x }
      y: { to: t.y }
  t: { cube: bridge, ports: { x: {}, y: {} } }
  g: { cube: ./src/testing/cubes/tap }
interfaces:
  vd: { through: [g] }
`

const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']
const NOTHING = { pins: [], records: [] }

/** From now on a name is another one of an interface. */
function alias(machine: EngineBench['machine'], name: string, of: string): void {
  const known = machine.interface.bind(machine)
  machine.interface = (which) => known(which === name ? of : which)
}

describe('applying', () => {
  let it: EngineBench
  beforeEach(() => {
    it = engineBench()
  })

  test('makes what the file says, and packets flow', async () => {
    await it.engine.apply(await bridgeFile())
    expect([...it.machine.pinned('')].sort()).toEqual(bridgePins('lan', ['a', 'b']))
    expect(it.records.read('lan')).toMatchObject({
      state: 'applied',
      file: resolve('lan.yaml'),
      numbering: { s: { ids: { a: 0, b: 1 }, next: 2 } },
    })
    expect(it.send('va', alice, bob)).toBe('vb')
  })

  test('the same again changes nothing', async () => {
    await it.engine.apply(await bridgeFile())
    it.send('vb', bob, alice)
    const before = it.left()
    const write = vi.spyOn(it.records, 'write')
    const { actions } = await it.engine.apply(await bridgeFile())
    expect(actions).toEqual([])
    expect(write.mock.calls.map(([{ state }]) => state)).toEqual(['applied'])
    expect(it.left()).toEqual(before)
    expect((await it.engine.status('lan')).instances[0]?.ports[1]?.received.packets).toBe(1n)
  })

  test.each([
    {
      what: 'throws',
      run: () => {
        throw new Error('who was that?')
      },
      failed: 'Error: who was that?',
    },
    {
      what: 'does not come to an end',
      run: () => {
        for (;;) Math.random()
      },
      failed: 'Error: it did not come to an end in 3000 ms',
    },
  ])('a view that $what says so, and hides nothing else', async ({ run, failed }) => {
    await it.engine.apply(await bridgeFile())
    const { control } = await catalogue.find('bridge', '/')
    const view = vi.spyOn(control.views as { stations: () => unknown }, 'stations').mockImplementation(run)
    onTestFinished(() => view.mockRestore())
    const [instance] = (await it.engine.status('lan')).instances
    expect(instance).toMatchObject({ ports: [{ name: 'a' }, { name: 'b' }], views: { stations: [{ failed }] } })
  })

  test('planning changes nothing', async () => {
    const { actions } = await it.engine.plan(await bridgeFile())
    expect(actions.map((action) => ('at' in action ? action.at : action.path)).sort()).toEqual(
      bridgePins('lan', ['a', 'b']),
    )
    expect(it.left()).toEqual(NOTHING)
  })

  test('where the verifier comes to no end, what it can follow is loaded instead, from then on', async () => {
    // With two ports, there is nothing to hide.
    const ports = { a: 'va', b: 'vb', c: 'vc' }
    let loads = 0
    const machine = through(it.machine, (operation, run) => {
      if (operation === 'load' && ++loads === 2) throw new Unending('s_b', undefined)
      return run()
    })
    const engine = it.engineOn({ machine })
    await engine.apply(await bridgeFile({ ports }))
    expect(it.records.read('lan')?.comparisons).toBe('hidden')
    expect([...it.machine.pinned('')].sort()).toEqual(bridgePins('lan', ['a', 'b', 'c']))
    expect(it.send('va', alice, bob)).toBe('vb vc')
    expect((await engine.apply(await bridgeFile({ ports }))).actions).toEqual([])
    await engine.apply(await bridgeFile({ ports, agingTime: 10 }))
    expect(loads).toBe(8)
    const quick = engineBench()
    await quick.engine.apply(await bridgeFile({ ports, agingTime: 10 }))
    expect(it.records.read('lan')?.programs).not.toEqual(quick.records.read('lan')?.programs)
  })

  test.each([
    { hasBudgets: true, left: 'bounded' },
    { hasBudgets: false, left: undefined },
  ])('nor with that: loops by a budget, if there are any (there are: $hasBudgets)', async ({ hasBudgets, left }) => {
    Object.defineProperty(it.machine, 'hasBudgets', { value: hasBudgets })
    let loads = 0
    const machine = through(it.machine, (operation, run) => {
      if (operation === 'load' && ++loads <= 2) throw new Unending('s_a', undefined)
      return run()
    })
    const engine = it.engineOn({ machine })
    const applied = engine.apply(await bridgeFile())
    if (left === undefined) await expect(applied).rejects.toThrow(/gives up on "s_a"/)
    else await applied
    expect(it.records.read('lan')?.comparisons).toBe(left)
  })

  test('where it comes to no end with any of that, nothing has changed', async () => {
    const machine = through(it.machine, (operation, run) => {
      if (operation === 'load') throw new Unending('s_a', undefined)
      return run()
    })
    await expect(it.engineOn({ machine }).apply(await bridgeFile())).rejects.toThrow(/gives up on "s_a"/)
    expect(it.left()).toEqual(NOTHING)
  })

  test.each([
    { refused: 's_b', line: '7:7: it is the program for what arrives at s.b, with s, t in it' },
    { refused: 'g_ingress', line: '13:3: it is the program for what passes the interface vd' },
    // Where the ring is closed, one goes over to it.
    { refused: 't_y', line: '10:38: it is the program for what arrives at t.y, with t, s in it' },
  ])('a refusal of $refused names its line in the file', async ({ refused, line }) => {
    const graph = await readGraph('lan.yaml', RING, catalogue)
    const load = it.machine.load.bind(it.machine)
    vi.spyOn(it.machine, 'load').mockImplementation((program, maps) => {
      if (program.name === refused) throw refusal('no', 'because')
      return load(program, maps)
    })
    await expect(it.engine.apply(graph)).rejects.toThrow(`no\n    because\n\nlan.yaml:${line}`)
    expect(it.left()).toEqual(NOTHING)
  })

  test('ports keep their numbers, and new ones get new numbers', async () => {
    const numbers = () => it.records.read('lan')?.numbering.s?.ids
    await it.engine.apply(await bridgeFile({ ports: { a: 'va', b: 'vb' } }))
    await it.engine.apply(await bridgeFile({ ports: { c: 'vc', b: 'vb', a: 'va' } }))
    expect(numbers()).toEqual({ a: 0, b: 1, c: 2 })
    await it.engine.apply(await bridgeFile({ ports: { c: 'vc' } }))
    await it.engine.apply(await bridgeFile({ ports: { a: 'va', c: 'vc' } }))
    expect(numbers()).toEqual({ a: 3, c: 2 })
  })

  test('a port that is called otherwise is where it was for stations behind it', async () => {
    await it.engine.apply(await bridgeFile({ ports: { a: 'va', b: 'vb', c: 'vc' } }))
    it.send('vb', bob, alice)
    const { actions } = await it.engine.apply(await bridgeFile({ ports: { a: 'va', office: 'vb', c: 'vc' } }))
    expect(actions.map((action) => action.do)).not.toContain('forget ports')
    expect(it.send('va', alice, bob)).toBe('vb')
  })

  test('a port may move to another interface, and two may swap', async () => {
    await it.engine.apply(await bridgeFile())
    it.send('vb', bob, alice)
    await it.engine.apply(await bridgeFile({ ports: { a: 'va', b: 'vc' } }))
    expect(it.send('va', alice, bob)).toBe('vc')
    await it.engine.apply(await bridgeFile({ ports: { a: 'vc', b: 'va' } }))
    expect(it.send('vc', alice, bob)).toBe('va')
    expect([...it.machine.pinned('')].sort()).toEqual(bridgePins('lan', ['a', 'b']))
  })

  test('what is left of an interface that went is replaced', async () => {
    await it.engine.apply(await bridgeFile())
    it.machine.removeInterface('vb')
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'detached'])
    it.machine.addInterface('vb', { mac: '06:00:00:00:00:09' })
    it.machine.plug('vb', { receive: () => {} })
    await it.engine.apply(await bridgeFile())
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'up'])
    expect(it.send('vb', bob, alice)).toBe('va')
  })

  test.each([
    ['blue/eth7', 'there is no interface eth9 in the network namespace blue'],
    ['green/eth9', 'there is no network namespace blue'],
  ])('where %s is all there is in namespaces, an interface is missed by what is not there', async (there, says) => {
    it.machine.addInterface(there, { mac: '06:00:00:00:00:09' })
    const text = 'graph: lan\ninstances: { s: { cube: bridge, ports: { a: { interface: eth9, namespace: blue } } } }'
    await expect(it.engine.apply(await readGraph('lan.yaml', text, catalogue))).rejects.toThrow(says)
  })

  test.each<{ what: string; before: (it: EngineBench) => unknown; says: string }>([
    {
      what: 'an interface that is not there',
      before: ({ machine }) => machine.removeInterface('vb'),
      says: 'lan.yaml:8:23: there is no interface vb in this network namespace',
    },
    {
      what: 'an interface that is down',
      before: ({ machine }) => machine.setUp('vb', false),
      says: 'lan.yaml:8:23: the interface vb is down',
    },
    {
      what: 'an interface with a program of somebody else',
      before: ({ machine }) => machine.addForeign('vb', 'tc ingress', 'tcx program 17 "cil_from_netdev"'),
      says: 'lan.yaml:8:23: the interface vb already has a program of somebody else: tcx program 17 "cil_from_netdev"',
    },
    {
      what: 'an interface of another graph',
      before: async ({ engine }) => engine.apply(await bridgeFile({ graph: 'other', ports: { x: 'vb' } })),
      says: 'lan.yaml:8:23: the interface vb belongs to graph other',
    },
    {
      what: 'two names of one interface',
      before: ({ machine }) => alias(machine, 'vb', 'va'),
      says: 'lan.yaml:8:23: vb and va are one interface',
    },
    {
      what: 'another name of an interface of another graph',
      before: async ({ engine, machine }) => {
        await engine.apply(await bridgeFile({ graph: 'other', ports: { x: 'vc' } }))
        alias(machine, 'vb', 'vc')
      },
      says: 'lan.yaml:8:23: the interface vb belongs to graph other, as vc',
    },
  ])('is refused for $what, and changes nothing', async ({ before, says }) => {
    await before(it)
    const there = it.left()
    await expect(it.engine.apply(await bridgeFile())).rejects.toThrow(says)
    expect(it.left()).toEqual(there)
  })

  test('an interface of the same name in another network namespace is another one', async () => {
    const other = engineBench()
    await other.engine.apply(await bridgeFile({ graph: 'other' }))
    it.records.write({ ...other.records.read('other')!, namespace: 'elsewhere' })
    await it.engine.apply(await bridgeFile())
    expect(it.send('va', alice, bob)).toBe('vb')
  })
})

describe('deleting', () => {
  test('leaves nothing, and then there is nothing to delete', async () => {
    const { engine, left, machine } = engineBench()
    await engine.apply(await bridgeFile())
    await engine.apply(await bridgeFile({ graph: 'wan', ports: { c: 'vc' } }))
    await engine.delete('lan')
    expect([...machine.pinned('')].sort()).toEqual(bridgePins('wan', ['c']))
    expect(engine.names()).toEqual(['wan'])
    await engine.delete('wan')
    expect(left()).toEqual(NOTHING)
    await expect(engine.delete('wan')).rejects.toThrow('there is no graph wan here')
    machine.receive('va', packet().ethernet().padded(60))
    expect(machine.passed).toHaveLength(1)
  })

  test('of a name that is nearly one says which', async () => {
    const { engine } = engineBench()
    await engine.apply(await bridgeFile())
    await expect(engine.delete('lna')).rejects.toThrow(/there is no graph lna here\n.*did you mean "lan"/)
    await expect(engine.status('lna')).rejects.toThrow(Refusal)
  })

  test.each([
    ['pins without a record', ({ records }: EngineBench) => records.remove('lan')],
    ['a record without pins', ({ machine }: EngineBench) => machine.pinned('').map((path) => machine.unpin(path))],
    [
      'maps without programs',
      ({ machine }: EngineBench) => ['a', 'b'].map((port) => machine.openAttachment(`lan/s/links/${port}`)?.detach()),
    ],
  ])('and applying both get along with %s', async (_, damage) => {
    for (const repair of ['delete', 'apply'] as const) {
      const it = engineBench()
      await it.engine.apply(await bridgeFile())
      damage(it)
      if (repair === 'delete') await it.engine.delete('lan')
      else await it.engine.apply(await bridgeFile())
      if (repair === 'delete') expect(it.left()).toEqual(NOTHING)
      else {
        expect([...it.machine.pinned('')].sort()).toEqual(bridgePins('lan', ['a', 'b']))
        expect(it.records.read('lan')?.state).toBe('applied')
        expect(it.send('va', alice, bob)).toBe('vb')
      }
    }
  })
})

test('nothing is written but with the lock held', async () => {
  const it = engineBench()
  let held = 0
  const lock = async () => {
    held++
    return { [Symbol.dispose]: () => void held-- }
  }
  const without: string[] = []
  const looks = [
    'pinned',
    'foreign',
    'interface',
    'openMap',
    'openProgram',
    'openAttachment',
    'lookup',
    'names',
    'read',
  ]
  const watch = <T>(operation: string, run: () => T): T => {
    if (held !== 1 && !looks.includes(operation)) without.push(operation)
    return run()
  }
  const [machine, records] = [through(it.machine, watch), through(it.records, watch)]
  const engine = new Engine({ machine, records, catalogue, lock })
  await engine.apply(await bridgeFile())
  await engine.look('lan', ({ graph, numbering }) => lookOf(graph, numbering, { where: [] }))
  await engine.repair('lan')
  await engine.delete('lan')
  expect(held).toBe(0)
  expect(without.filter((one) => one !== 'dispose')).toEqual([])
})

test('what another version has left is not touched, but for deleting it', async () => {
  const it = engineBench()
  await it.engine.apply(await bridgeFile())
  const found = it.records.read('lan')
  if (found === undefined) throw new Error('there is no record')
  it.records.write({ ...found, version: 1, state: 'applying' })
  const before = it.left()
  for (const run of [
    async () => it.engine.apply(await bridgeFile()),
    async () => it.engine.apply(await bridgeFile({ graph: 'other', ports: { x: 'vc' } })),
    async () => it.engine.status('lan'),
  ])
    await expect(run()).rejects.toThrow(
      /the graph lan was applied by another version .*\n.*run tessera delete lan, and apply its file again \(.*lan\.yaml\)/,
    )
  expect(it.left()).toEqual(before)
  await it.engine.delete('lan')
  expect(it.left()).toEqual(NOTHING)
})

test('a graph on interfaces of another network namespace: they are not said to be broken, nor taken for those of here', async () => {
  const it = engineBench()
  await it.engine.apply(await bridgeFile())
  const found = it.records.read('lan')
  if (found === undefined) throw new Error('there is no record')
  it.records.write({ ...found, namespace: 'another' })
  const { isElsewhere, instances } = await it.engine.status('lan')
  expect(isElsewhere).toBe(true)
  expect(instances[0]?.ports.map(({ state }) => state)).toEqual(['elsewhere', 'elsewhere'])
  expect(await it.engine.repair('lan')).toBeUndefined()
  it.records.write(found)
  expect(await it.engine.status('lan')).not.toHaveProperty('isElsewhere')
})

test('where programs run is as the file says, and changes with it', async () => {
  const it = engineBench()
  const at = async (attach: string) => {
    await it.engine.apply(await readGraph('lan.yaml', `${attach}\n${bridgeText()}`, catalogue))
    const { point } = await it.engine.status('lan')
    expect(it.send('va', alice, '06:ff:ff:ff:ff:ff')).toBe(point === 'tc egress' ? '' : 'vb')
    return point
  }
  expect(await at('')).toBe('tc ingress')
  expect(await at('attach: xdp native')).toBe('xdp native')
  expect(await at('attach: xdp')).toMatch(/^xdp /)
  await it.engine.repair('lan')
  expect((await it.engine.look('lan')).running.point).toMatch(/^xdp /)
  expect(await at('attach: tc egress')).toBe('tc egress')
  expect(await at('')).toBe('tc ingress')
  await it.engine.delete('lan')
  expect(it.left()).toEqual(NOTHING)
})
