import { resolve } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Unending } from '../backend/unending.ts'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { builtinCubes, openVirtualMachine, packet, through } from '../testing/index.ts'
import { Engine } from './engine.ts'
import { readGraph } from './read.ts'
import { MemoryRecords, type Records } from './records.ts'
import { lookOf } from './sights.ts'

const catalogue = builtinCubes()
const PORTS = { a: 'va', b: 'vb' }
const SECOND = 1_000_000_000n

interface Settings {
  readonly graph?: string
  readonly ports?: Readonly<Record<string, string>>
  readonly agingTime?: number
}

/** A graph file with one bridge. */
const text = ({ graph = 'lan', ports = PORTS, agingTime = 300 }: Settings = {}): string =>
  [
    `graph: ${graph}`,
    'instances:',
    '  s:',
    '    cube: bridge',
    `    config: { agingTime: ${agingTime} }`,
    '    ports:',
    ...Object.entries(ports).map(([port, to]) => `      ${port}: { interface: ${to} }`),
    '',
  ].join('\n')

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

const file = (settings?: Settings) => readGraph('lan.yaml', text(settings), catalogue)

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
  /** Where a frame comes out: the interfaces, or nowhere. */
  const send = (from: string, source: string, destination: string): string => {
    arrived.clear()
    machine.receive(from, packet().ethernet({ source, destination }).padded(60))
    return [...arrived].sort().join(' ')
  }
  /** All that a graph can leave, in the machine and beside it. */
  const left = () => ({ pins: machine.pinned(''), records: records.names().map((name) => records.read(name)) })
  return { machine, records, engine: engineOn(), engineOn, send, left }
}

const [alice, bob, carol] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c']
const NOTHING = { pins: [], records: [] }

const pinsOf = (graph: string, ports: readonly string[]) =>
  [
    ...ports.flatMap((port) => [`${graph}/s/links/${port}`, `${graph}/@programs/s/links/${port}`]),
    ...['counters', 'stations'].map((map) => `${graph}/s/maps/${map}`),
  ].sort()

describe('applying', () => {
  let it: ReturnType<typeof bench>
  beforeEach(() => {
    it = bench()
  })

  test('makes what the file says, and packets flow', async () => {
    await it.engine.apply(await file())
    expect([...it.machine.pinned('')].sort()).toEqual(pinsOf('lan', ['a', 'b']))
    expect(it.records.read('lan')).toMatchObject({
      state: 'applied',
      file: resolve('lan.yaml'),
      numbering: { s: { ids: { a: 0, b: 1 }, next: 2 } },
    })
    expect(it.send('va', alice, bob)).toBe('vb')
  })

  test('the same again changes nothing', async () => {
    await it.engine.apply(await file())
    it.send('vb', bob, alice)
    const before = it.left()
    const { actions } = await it.engine.apply(await file())
    expect(actions).toEqual([])
    expect(it.left()).toEqual(before)
    expect((await it.engine.status('lan')).instances[0]?.ports[1]?.received.packets).toBe(1n)
  })

  test('planning changes nothing', async () => {
    const { actions } = await it.engine.plan(await file())
    expect(actions.map((action) => ('at' in action ? action.at : action.path)).sort()).toEqual(
      pinsOf('lan', ['a', 'b']),
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
    await engine.apply(await file({ ports }))
    expect(it.records.read('lan')?.comparisons).toBe('hidden')
    expect([...it.machine.pinned('')].sort()).toEqual(pinsOf('lan', ['a', 'b', 'c']))
    expect(it.send('va', alice, bob)).toBe('vb vc')
    expect((await engine.apply(await file({ ports }))).actions).toEqual([])
    await engine.apply(await file({ ports, agingTime: 10 }))
    expect(loads).toBe(8)
    const quick = bench()
    await quick.engine.apply(await file({ ports, agingTime: 10 }))
    expect(it.records.read('lan')?.programs).not.toEqual(quick.records.read('lan')?.programs)
  })

  test('where it comes to no end with that either, nothing has changed', async () => {
    const machine = through(it.machine, (operation, run) => {
      if (operation === 'load') throw new Unending('s_a', undefined)
      return run()
    })
    await expect(it.engineOn({ machine }).apply(await file())).rejects.toThrow(/gives up on "s_a"/)
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
    await it.engine.apply(await file({ ports: { a: 'va', b: 'vb' } }))
    await it.engine.apply(await file({ ports: { c: 'vc', b: 'vb', a: 'va' } }))
    expect(numbers()).toEqual({ a: 0, b: 1, c: 2 })
    await it.engine.apply(await file({ ports: { c: 'vc' } }))
    await it.engine.apply(await file({ ports: { a: 'va', c: 'vc' } }))
    expect(numbers()).toEqual({ a: 3, c: 2 })
  })

  test('a port may move to another interface, and two may swap', async () => {
    await it.engine.apply(await file())
    it.send('vb', bob, alice)
    await it.engine.apply(await file({ ports: { a: 'va', b: 'vc' } }))
    expect(it.send('va', alice, bob)).toBe('vc')
    await it.engine.apply(await file({ ports: { a: 'vc', b: 'va' } }))
    expect(it.send('vc', alice, bob)).toBe('va')
    expect([...it.machine.pinned('')].sort()).toEqual(pinsOf('lan', ['a', 'b']))
  })

  test('what is left of an interface that went is replaced', async () => {
    await it.engine.apply(await file())
    it.machine.removeInterface('vb')
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'detached'])
    it.machine.addInterface('vb', { mac: '06:00:00:00:00:09' })
    it.machine.plug('vb', { receive: () => {} })
    await it.engine.apply(await file())
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'up'])
    expect(it.send('vb', bob, alice)).toBe('va')
  })

  test.each<{ what: string; before: (it: ReturnType<typeof bench>) => unknown; says: string }>([
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
      before: async ({ engine }) => engine.apply(await file({ graph: 'other', ports: { x: 'vb' } })),
      says: 'lan.yaml:8:23: the interface vb belongs to graph other',
    },
  ])('is refused for $what, and changes nothing', async ({ before, says }) => {
    await before(it)
    const there = it.left()
    await expect(it.engine.apply(await file())).rejects.toThrow(says)
    expect(it.left()).toEqual(there)
  })

  test('an interface of the same name in another network namespace is another one', async () => {
    const other = bench()
    await other.engine.apply(await file({ graph: 'other' }))
    it.records.write({ ...other.records.read('other')!, namespace: 'elsewhere' })
    await it.engine.apply(await file())
    expect(it.send('va', alice, bob)).toBe('vb')
  })
})

describe('deleting', () => {
  test('leaves nothing, and then there is nothing to delete', async () => {
    const { engine, left, machine } = bench()
    await engine.apply(await file())
    await engine.apply(await file({ graph: 'wan', ports: { c: 'vc' } }))
    await engine.delete('lan')
    expect([...machine.pinned('')].sort()).toEqual(pinsOf('wan', ['c']))
    expect(engine.names()).toEqual(['wan'])
    await engine.delete('wan')
    expect(left()).toEqual(NOTHING)
    await expect(engine.delete('wan')).rejects.toThrow('there is no graph wan here')
    machine.receive('va', packet().ethernet().padded(60))
    expect(machine.passed).toHaveLength(1)
  })

  test('of a name that is nearly one says which', async () => {
    const { engine } = bench()
    await engine.apply(await file())
    await expect(engine.delete('lna')).rejects.toThrow(/there is no graph lna here\n.*did you mean "lan"/)
    await expect(engine.status('lna')).rejects.toThrow(Refusal)
  })

  test.each([
    ['pins without a record', ({ records }: ReturnType<typeof bench>) => records.remove('lan')],
    [
      'a record without pins',
      ({ machine }: ReturnType<typeof bench>) => machine.pinned('').map((path) => machine.unpin(path)),
    ],
    [
      'maps without programs',
      ({ machine }: ReturnType<typeof bench>) =>
        ['a', 'b'].map((port) => machine.openAttachment(`lan/s/links/${port}`)?.detach()),
    ],
  ])('and applying both get along with %s', async (_, damage) => {
    for (const repair of ['delete', 'apply'] as const) {
      const it = bench()
      await it.engine.apply(await file())
      damage(it)
      if (repair === 'delete') await it.engine.delete('lan')
      else await it.engine.apply(await file())
      if (repair === 'delete') expect(it.left()).toEqual(NOTHING)
      else {
        expect([...it.machine.pinned('')].sort()).toEqual(pinsOf('lan', ['a', 'b']))
        expect(it.records.read('lan')?.state).toBe('applied')
        expect(it.send('va', alice, bob)).toBe('vb')
      }
    }
  })
})

/**
 * How a machine and its records go wrong at their n-th operation. `refuses`: it is not done, once. `fails late`: it is
 * done, and says that it is not. `dies`: neither it nor anything after it is done, as after kill -9.
 */
type Manner = 'refuses' | 'fails late' | 'dies'

class Injected extends Error {}

function sabotage(it: ReturnType<typeof bench>, manner: Manner, at: number) {
  // What is asked before the first record is written changes nothing, and so nothing can be left of it.
  let begun = it.records.names().length === 0
  let count = 0
  const call = <T>(operation: string, run: () => T): T => {
    // Letting go of a handle cannot fail; the kernel does it for a process that dies. What is done in bulk fails one by one.
    if (operation.startsWith('Symbol') || operation === 'inBulk' || !begun) return run()
    count++
    if (count < at || (count > at && manner !== 'dies')) return run()
    if (manner === 'fails late') run()
    throw new Injected(operation)
  }
  const records = through(it.records, (operation, run) => {
    const result = manner === 'dies' ? call(operation, run) : run()
    begun ||= operation === 'write'
    return result
  })
  const engine = it.engineOn({ machine: through(it.machine, call), records })
  return { engine, happened: () => count >= at }
}

/** For each operation, anew: prepares, breaks what `run` does at that operation, and looks. Until nothing is left to break. */
async function atEveryOperation(
  manner: Manner,
  prepare: (it: ReturnType<typeof bench>) => Promise<unknown>,
  run: (engine: Engine) => Promise<unknown>,
  look: (it: ReturnType<typeof bench>, operation: string, error: unknown) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at++) {
    const it = bench()
    await prepare(it)
    const { engine, happened } = sabotage(it, manner, at)
    const error = await run(engine).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!happened()) return at - 1
    const cause = error instanceof Refusal ? error.cause : error
    if (cause !== undefined && !(cause instanceof Injected)) throw error
    await look(it, `${manner} at operation ${at}${cause === undefined ? '' : ` (${cause.message})`}`, error)
  }
}

describe('when the machine', () => {
  test.each(['refuses', 'fails late'] as const)(
    '%s at any operation, a new graph leaves nothing behind',
    async (manner) => {
      const tried = await atEveryOperation(
        manner,
        async () => {},
        async (engine) => engine.apply(await file()),
        async (it, when) => expect(it.left(), when).toEqual(NOTHING),
      )
      expect(tried).toBeGreaterThan(20)
    },
  )

  test('dies at any operation of a new graph, deleting leaves nothing, and applying makes it whole', async () => {
    for (const then of ['delete', 'apply'] as const) {
      await atEveryOperation(
        'dies',
        async () => {},
        async (engine) => engine.apply(await file()),
        async (it, when) => {
          if (then === 'apply') {
            await it.engine.apply(await file())
            expect([...it.machine.pinned('')].sort(), when).toEqual(pinsOf('lan', ['a', 'b']))
            expect(it.send('va', alice, bob), when).toBe('vb')
          } else {
            for (const name of it.engine.names()) await it.engine.delete(name)
            expect(it.left(), when).toEqual(NOTHING)
          }
        },
      )
    }
  })

  test('dies at any operation of deleting, deleting again does the rest', async () => {
    await atEveryOperation(
      'dies',
      async ({ engine }) => engine.apply(await file()),
      (engine) => engine.delete('lan'),
      async (it, when) => {
        for (const name of it.engine.names()) await it.engine.delete(name)
        expect(it.left(), when).toEqual(NOTHING)
      },
    )
  })

  test('dies at any operation of a change, applying it again makes it whole, and the stations are still known', async () => {
    const change = { ports: { a: 'va', b: 'vd', c: 'vc' }, agingTime: 1000 }
    await atEveryOperation(
      'dies',
      async ({ engine, send, machine }) => {
        await engine.apply(await file({ ports: { a: 'va', b: 'vb', c: 'vc' } }))
        send('vc', carol, alice)
        machine.clock.advance(500n * SECOND)
      },
      async (engine) => engine.apply(await file(change)),
      async (it, when) => {
        await it.engine.apply(await file(change))
        expect([...it.machine.pinned('')].sort(), when).toEqual(pinsOf('lan', ['a', 'b', 'c']))
        expect(it.records.read('lan')?.state, when).toBe('applied')
        // With an ageing time of 300 s both would be flooded.
        expect([it.send('va', alice, carol), it.send('vd', bob, carol)], when).toEqual(['vc', 'vc'])
      },
    )
  })

  test('refuses at any operation of a change, packets meet the graph of before, or of then, whole', async () => {
    let [undone, done] = [0, 0]
    await atEveryOperation(
      'refuses',
      async ({ engine, send, machine }) => {
        await engine.apply(await file({ ports: { a: 'va', b: 'vb', c: 'vc' } }))
        send('vc', carol, alice)
        machine.clock.advance(100n * SECOND)
      },
      async (engine) => engine.apply(await file({ ports: { a: 'va', b: 'vd', c: 'vc' }, agingTime: 10 })),
      async (it, when, error) => {
        // Where packets have seen the change already, what only tidies up is tried again.
        if (error === undefined) done++
        else undone++
        const [agingTime, bobs] = error === undefined ? [10, 'vd'] : [300, 'vb']
        const { change: _, ...running } = it.records.read('lan') ?? {}
        expect(running, when).toMatchObject({ state: 'applied', graph: { instances: [{ config: { agingTime } }] } })
        expect([...it.machine.pinned('')].sort(), when).toEqual(pinsOf('lan', ['a', 'b', 'c']))
        // With an ageing time of 10 s both are flooded.
        const carols = error === undefined ? ['vc vd', 'va vc'] : ['vc', 'vc']
        expect([it.send('va', alice, carol), it.send(bobs, bob, carol)], when).toEqual(carols)
      },
    )
    expect([undone > 20, done > 3]).toEqual([true, true])
  })
})

test('what was counted is kept when ports need more room, and when a process is killed meanwhile', async () => {
  let killed = 0
  for (let at = 0; ; at++) {
    const it = bench()
    await it.engine.apply(await file())
    const found = it.records.read('lan')
    if (found === undefined) throw new Error('there is no record')
    // As after many ports that came and went.
    it.records.write({ ...found, numbering: { s: { ids: { a: 0, b: 1 }, next: 64 } } })
    it.send('va', alice, bob)
    let sent = 1n
    const send = () => {
      it.send('va', alice, alice)
      sent++
    }
    let [operations, isDead] = [0, false]
    const machine = through(it.machine, (operation, run) => {
      if (operation.startsWith('Symbol')) return run()
      if (operation === 'settle') send()
      isDead ||= operations++ === at
      if (isDead) throw new Injected(operation)
      return run()
    })
    const wider = await file({ ports: { a: 'va', b: 'vb', c: 'vc' } })
    const ended = await it
      .engineOn({ machine })
      .apply(wider)
      .then(
        () => 'done',
        () => 'killed',
      )
    if (ended === 'killed') await it.engine.apply(wider)
    send()
    const [a] = (await it.engine.status('lan')).instances[0]?.ports ?? []
    expect(a?.received.packets, `killed at ${at}`).toBe(sent)
    expect(a?.drops.same_port?.packets, `killed at ${at}`).toBe(sent - 1n)
    expect(a?.sent.packets).toBe(0n)
    if (ended === 'done') break
    killed++
  }
  expect(killed).toBeGreaterThan(20)
})

test('nothing is written but with the lock held', async () => {
  const it = bench()
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
  await engine.apply(await file())
  await engine.look('lan', ({ graph, numbering }) => lookOf(graph, numbering, { where: [] }))
  await engine.repair('lan')
  await engine.delete('lan')
  expect(held).toBe(0)
  expect(without.filter((one) => one !== 'dispose')).toEqual([])
})

test('what another version has left is not touched, but for deleting it', async () => {
  const it = bench()
  await it.engine.apply(await file())
  const found = it.records.read('lan')
  if (found === undefined) throw new Error('there is no record')
  it.records.write({ ...found, version: 1, state: 'applying' })
  const before = it.left()
  for (const run of [
    async () => it.engine.apply(await file()),
    async () => it.engine.apply(await file({ graph: 'other', ports: { x: 'vc' } })),
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
  const it = bench()
  await it.engine.apply(await file())
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

describe('watching interfaces', () => {
  const turn = () => new Promise((resolve) => setTimeout(resolve, 20))

  test('one that goes is not sent to any more, and one that comes back is attached again', async () => {
    const it = bench()
    await it.engine.apply(await file())
    it.send('vb', bob, alice)
    const told: string[] = []
    using _watch = it.engine.watch((name, done) =>
      told.push(`${name}: ${done instanceof Error ? done : done.length > 0}`),
    )
    await turn()
    expect(told).toEqual([])
    it.machine.removeInterface('vb')
    await expect.poll(() => told).toEqual(['lan: true'])
    expect(it.send('va', alice, bob)).toBe('')
    const [gone] = (await it.engine.status('lan')).instances
    expect(gone?.ports.map(({ state }) => state)).toEqual(['up', 'detached'])
    expect(gone?.ports[0]?.drops).toMatchObject({ not_connected: { packets: 1n } })
    it.machine.addInterface('vb', { mac: '06:00:00:00:00:09' })
    it.machine.plug('vb', { receive: () => {} })
    await expect.poll(() => told).toEqual(['lan: true', 'lan: true'])
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'up'])
    expect(it.send('vb', bob, alice)).toBe('va')
    expect([...it.machine.pinned('')].sort()).toEqual(pinsOf('lan', ['a', 'b']))
    it.machine.setUp('vc', false)
    await turn()
    expect(told).toHaveLength(2)
  })

  test('one that comes back with a program of somebody else is left alone', async () => {
    const it = bench()
    await it.engine.apply(await file())
    it.machine.removeInterface('vb')
    it.machine.addInterface('vb', { mac: '06:00:00:00:00:09' })
    it.machine.addForeign('vb', 'tc ingress', 'tcx program 17 "cil_from_netdev"')
    await it.engine.repair('lan')
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'detached'])
  })

  test('until nobody watches any more', async () => {
    const it = bench()
    await it.engine.apply(await file())
    const told: string[] = []
    it.engine.watch((name) => told.push(name))[Symbol.dispose]()
    it.machine.removeInterface('vb')
    await turn()
    expect(told).toEqual([])
  })
})

test('where programs run is as the file says, and changes with it', async () => {
  const it = bench()
  const at = async (attach: string) => {
    await it.engine.apply(await readGraph('lan.yaml', `${attach}\n${text()}`, catalogue))
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
