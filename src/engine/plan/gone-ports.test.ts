/** What tables know of ports that a change removes. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseMac } from '../../base/address.ts'
import { describe as describeTable, hash, mac, portFields, portId } from '../../lang/index.ts'
import { bridgeFile, bridgePins } from '../../testing/bridge-file.ts'
import type { directory } from '../../testing/cubes/directory/schema.ts'
import { atEveryOperation, type EngineBench, engineBench } from '../../testing/engine-bench.ts'
import { builtinCubes, onEveryMachine, openVirtualMachine, through } from '../../testing/index.ts'
import { readGraph } from '../read/read.ts'
import { forgetPorts, type GonePorts } from './gone-ports.ts'
import { describeActions } from './plan.ts'
import { recordedMap } from './records.ts'

const [alice, bob, carol, dave] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c', '02:00:00:00:00:0d']
const everybody = 'ff:ff:ff:ff:ff:ff'
const NONE = 0xffff

onEveryMachine('an entry that names a port which is removed', (openLab) => {
  const cube = join(import.meta.dirname, '../../testing/cubes/directory')
  const PORTS = { a: {}, b: {}, c: {} }
  const [a, b, c] = [0, 1, 2]

  test('goes, wherever it names it, and all others stay', async () => {
    using lab = await openLab<typeof directory>({ cube, ports: PORTS })
    for (const [address, port] of [
      [alice, a],
      [bob, b],
      [carol, c],
      [dave, NONE],
    ] as const) {
      lab.table('stations').set({ address }, { port })
      lab.table('recent').set({ address }, { seen: 7n, port })
      lab.table('budgets').set({ address }, { tokens: 9n, port })
      lab.table('loads').set({ kind: 1, port }, { packets: 5n })
    }
    lab.table('groups').set({ group: '224.0.0.1' }, { members: [a, b, NONE] })
    lab.table('groups').set({ group: '224.0.0.2' }, { members: [a, b, c] })
    lab.table('paths').set(
      { to: '10.0.0.1' },
      {
        hops: [
          { weight: c, port: a },
          { weight: 1, port: b },
        ],
      },
    )
    lab.table('paths').set(
      { to: '10.0.0.2' },
      {
        hops: [
          { weight: 1, port: b },
          { weight: 1, port: c },
        ],
      },
    )
    const prefix = { destination: '10.0.0.0', length: 8 }
    for (const [from, port] of [
      [a, b],
      [b, c],
      [c, b],
      [c << 8, a],
      [NONE, c << 8],
    ] as const)
      lab.table('routes').set({ from, ...prefix }, { port })
    await lab.apply({ ports: { a: {}, b: {} } })
    const left = [alice, bob, dave]
    for (const name of ['stations', 'recent', 'budgets'] as const)
      expect(
        lab
          .table(name)
          .entries()
          .map(([{ address }]) => address)
          .sort(),
        name,
      ).toEqual(left)
    expect(lab.table('recent').get({ address: bob })).toEqual({ seen: 7n, port: b })
    expect(
      lab
        .table('groups')
        .entries()
        .map(([{ group }]) => group),
    ).toEqual(['224.0.0.1'])
    expect(
      lab
        .table('paths')
        .entries()
        .map(([{ to }]) => to),
    ).toEqual(['10.0.0.1'])
    expect(
      lab
        .table('loads')
        .entries()
        .map(([{ port }]) => port)
        .sort(),
    ).toEqual([a, b, NONE])
    expect(
      lab
        .table('routes')
        .entries()
        .map(([{ from }]) => from)
        .sort((one, other) => one - other),
    ).toEqual([a, c << 8, NONE])
  })

  test('stays where no port is removed, and is not there for one that has the name again', async () => {
    using lab = await openLab<typeof directory>({ cube, ports: PORTS })
    const names = () =>
      lab
        .table('stations')
        .entries()
        .map(([{ address }]) => address)
    lab.table('stations').set({ address: carol }, { port: c })
    await lab.apply({ ports: { c: {}, d: {}, b: {}, a: {} } })
    expect(names()).toEqual([carol])
    await lab.apply({ ports: { a: {}, d: {} } })
    await lab.apply({ ports: PORTS })
    expect(names()).toEqual([])
  })
})

const THREE = { ports: { a: 'va', b: 'vb', c: 'vc' } }
const TWO = { ports: { a: 'va', b: 'vb' } }

/** Bob is behind b, and carol behind c. */
async function begin(it: EngineBench): Promise<void> {
  await it.engine.apply(await bridgeFile(THREE))
  it.send('vb', bob, everybody)
  it.send('vc', carol, everybody)
}

const PATH = 'lan/s/maps/stations'
const stations = ({ machine, records }: EngineBench) => machine.openMap(PATH, recordedMap(records.read('lan'), PATH)!)!
const toBobAndCarol = ({ send }: EngineBench) => [send('va', alice, bob), send('va', alice, carol)]

describe('when a change removes a port', () => {
  test('the plan says so, and entries go when no program writes such ones any more', async () => {
    const it = engineBench()
    await begin(it)
    const { actions } = await it.engine.plan(await bridgeFile(TWO))
    expect(describeActions(actions)).toContain('- entries  lan/s/maps/stations that name the port c')
    const order = actions.map((action) => action.do)
    expect(order.lastIndexOf('detach')).toBeLessThan(order.lastIndexOf('settle'))
    expect(order.lastIndexOf('settle')).toBeLessThan(order.indexOf('forget ports'))
    const both = await it.engine.plan(await bridgeFile({ ports: { a: 'va' } }))
    expect(describeActions(both.actions)).toContain('- entries  lan/s/maps/stations that name the ports b, c')
  })

  test('what an old program writes until then goes as well', async () => {
    const it = engineBench()
    await begin(it)
    const key = Uint8Array.from(parseMac(dave))
    const machine = through(it.machine, (operation, run) => {
      const [, value] =
        stations(it)
          .entries()
          .find(([, value]) => value[0] === 2) ?? []
      if (operation === 'settle' && value !== undefined) stations(it).update(key, value)
      return run()
    })
    await it.engineOn({ machine }).apply(await bridgeFile(TWO))
    expect(it.send('va', alice, dave)).toBe('vb')
    expect(stations(it).lookup(key)).toBeUndefined()
  })

  test('nothing is looked for where one is added, or leads elsewhere', async () => {
    const it = engineBench()
    await begin(it)
    for (const ports of [
      { ...THREE.ports, d: 'vd' },
      { ...THREE.ports, c: 'vd' },
    ]) {
      const { actions } = await it.engine.plan(await bridgeFile({ ports }))
      expect(actions.length).toBeGreaterThan(0)
      expect(actions.map((action) => action.do)).not.toContain('forget ports')
    }
  })

  /** Its table of stations is another one, to which entries are copied. */
  const larger = () =>
    readGraph(
      'lan.yaml',
      `
graph: lan
instances:
  s:
    cube: bridge
    entries: { stations: 128 }
    ports: { a: { interface: va }, b: { interface: vb } }
`,
      builtinCubes(),
    )

  test.each([
    { what: 'a port', change: () => bridgeFile(TWO), operations: 30 },
    { what: 'a port, and a larger table', change: larger, operations: 40 },
  ])(
    '$what, and the process dies at any operation, applying it again makes it whole',
    async ({ change, operations }) => {
      const tried = await atEveryOperation(
        'dies',
        begin,
        async (engine) => engine.apply(await change()),
        async (it, when) => {
          await it.engine.apply(await change())
          expect([...it.machine.pinned('')].sort(), when).toEqual(bridgePins('lan', ['a', 'b']))
          expect(it.records.read('lan')?.state, when).toBe('applied')
          expect(
            stations(it)
              .entries()
              .map(([, value]) => value[0]),
            when,
          ).toEqual([1])
          await it.engine.apply(await bridgeFile(THREE))
          expect(toBobAndCarol(it), when).toEqual(['vb', 'vb vc'])
        },
      )
      expect(tried).toBeGreaterThan(operations)
    },
  )

  test('and the machine refuses at any operation, stations go only with the port', async () => {
    const seen = new Set<string>()
    await atEveryOperation(
      'refuses',
      begin,
      async (engine) => engine.apply(await bridgeFile(TWO)),
      async (it, when, error) => {
        seen.add(error === undefined ? 'done' : 'undone')
        if (error === undefined) await it.engine.apply(await bridgeFile(THREE))
        expect(toBobAndCarol(it), when).toEqual(['vb', error === undefined ? 'vb vc' : 'vc'])
      },
    )
    expect([...seen].sort()).toEqual(['done', 'undone'])
  })
})

describe('among packets of new programs', () => {
  const table = hash({ key: { address: mac }, value: { port: portId }, entries: 8 })
  const description = describeTable(table)
  const [of, to] = [(address: string) => Uint8Array.from(parseMac(address)), (port: number) => Uint8Array.of(port, 0)]
  const goneFrom = (path: string): GonePorts => ({ path, ports: { c: 2 }, fields: portFields(table) })

  test('an entry that one has written since it was listed stays', () => {
    const machine = openVirtualMachine()
    using map = machine.createMap('stations', description)
    map.pin(PATH)
    for (const address of [alice, bob, carol]) map.update(of(address), to(2))
    const busy = through(machine, (operation, run) => {
      const result = run()
      if (operation === 'entries') {
        map.update(of(alice), to(1))
        map.delete(of(bob))
      }
      return result
    })
    forgetPorts(busy, [goneFrom(PATH)], () => description)
    expect(map.entries()).toEqual([[of(alice), to(1)]])
    forgetPorts(machine, [goneFrom(PATH)], () => description)
    expect(map.entries()).toHaveLength(1)
  })

  test('what one copies from an entry that is still there goes as well', () => {
    const machine = openVirtualMachine()
    const [flows, routes] = ['lan/s/maps/flows', 'lan/s/maps/routes']
    using copies = machine.createMap('flows', description)
    using originals = machine.createMap('routes', description)
    copies.pin(flows)
    originals.pin(routes)
    originals.update(of(carol), to(2))
    const told: string[] = []
    const busy = through(machine, (operation, run) => {
      const original = originals.lookup(of(carol))
      const result = run()
      // Between the looks at the one table and at the other.
      if (operation === 'entries' && original !== undefined) copies.update(of(dave), original)
      if (operation === 'entries' || operation === 'settle') told.push(operation)
      return result
    })
    forgetPorts(busy, [goneFrom(flows), goneFrom(routes), goneFrom('lan/t/maps/routes')], () => description)
    expect([copies.entries(), originals.entries()]).toEqual([[], []])
    const round = ['entries', 'entries']
    expect(told).toEqual([...round, 'settle', ...round, 'settle', ...round])
  })
})
