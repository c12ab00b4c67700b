/** What is left where a change is refused half-way, and where something of another graph was left half-done. */
import { expect, test } from 'vitest'
import { refusal } from '../base/diagnostic.ts'
import { engineBench, Injected, thrown } from '../testing/engine-bench.ts'
import { builtinCubes, through } from '../testing/index.ts'
import { copyAgain, copyEntries } from './apply/copy.ts'
import { lookOf } from './look/sights.ts'
import { type Records, recordedMap } from './plan/records.ts'
import { readGraph } from './read/read.ts'

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

test('where an interface vanishes between two steps, the change is refused, and all others are as before', async () => {
  const it = engineBench()
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

test('where its process is killed while it takes back a change that was refused, all of it is taken back, or made', async () => {
  const ports = ['va', 'vb', 'vc', 'vd']
  const ended = new Set<unknown>()
  for (let at = 1, isKilled = true; isKilled; at++) {
    const it = engineBench(ports)
    await it.engine.apply(await bridge('lan', ports, 300))
    it.send('vc', bob, alice)
    it.machine.clock.advance(100n * SECOND)
    let left = Number.POSITIVE_INFINITY
    isKilled = false
    const call = <T>(operation: string, run: () => T): T => {
      // What is in bulk dies one by one.
      isKilled ||= operation !== 'inBulk' && !operation.startsWith('Symbol') && --left < 0
      if (isKilled) throw new Injected(operation)
      const result = run()
      if (operation === 'replace' && left > at) {
        it.machine.removeInterface('vb')
        left = at
      }
      return result
    }
    const engine = it.engineOn({ machine: through(it.machine, call), records: through(it.records, call) })
    await expect(engine.apply(await bridge('lan', ports, 10))).rejects.toThrow()
    await it.engine.recover(thrown)
    const { state, graph } = it.records.read('lan') ?? {}
    expect([state, it.machine.pinned('lan/@next')], `killed at ${at}`).toEqual(['applied', []])
    const agingTime = graph?.instances[0]?.config.agingTime
    // With an ageing time of 10 s it is flooded.
    expect(it.send('va', alice, bob), `killed at ${at}`).toBe(agingTime === 10 ? 'vc vd' : 'vc')
    ended.add(agingTime)
  }
  expect(ended).toEqual(new Set([10, 300]))
})

test.each([
  { what: 'attached', from: ['vc'], operation: 'attach' },
  { what: 'replaced', from: ['va', 'vb', 'vc'], operation: 'replace' },
])('where an interface gets another name after its program was $what, that is taken back', async (change) => {
  const it = engineBench()
  await it.engine.apply(await bridge('lan', change.from, 300))
  const left = () => ({ record: it.records.read('lan'), pins: [...it.machine.pinned('')].sort() })
  const before = left()
  it.send('vc', bob, alice)
  it.machine.clock.advance(100n * SECOND)
  let times = 0
  const machine = through(it.machine, (operation, run) => {
    const at = operation === change.operation ? ++times : 0
    if (at === 2) throw new Injected(operation)
    const result = run()
    if (at === 1) it.machine.renameInterface('va', 'vx')
    return result
  })
  await expect(it.engineOn({ machine }).apply(await bridge('lan', ['va', 'vb', 'vc'], 10))).rejects.toThrow(Injected)
  expect(left()).toEqual(before)
  // With an ageing time of 10 s it is flooded.
  expect(it.send('vx', alice, bob)).toBe(change.from.includes('va') ? 'vc' : '')
})

test('what cannot be recovered of one graph is told of whoever asks about that one, and of nobody else', async () => {
  const it = engineBench()
  const engine = it.engineOn({ isLookedAt: () => false })
  await engine.apply(await bridge('one', ['va', 'vb']))
  const one = it.records.read('one')!
  // Whoever looked at it was killed, and its cube went.
  const instances = one.graph.instances.map((instance) => ({ ...instance, cube: './gone' }))
  it.records.write({
    ...one,
    look: lookOf(one.graph, one.numbering, { where: [] }),
    graph: { ...one.graph, instances },
  })
  await engine.apply(await bridge('other', ['vc', 'vd']))
  expect((await engine.status('other')).state).toBe('applied')
  const failed: string[] = []
  await engine.recover((name, error) => failed.push(`${name}: ${error instanceof Error ? error.message : error}`))
  expect(failed).toEqual([expect.stringMatching(/^one: there is no cube in .*gone/)])
  expect((await engine.status('one')).instances[0]?.summary).toContain('cannot be read: there is no cube in')
  await expect(engine.look('one')).rejects.toThrow('there is no cube in')
  await engine.apply(await bridge('one', ['va', 'vb']))
  expect(it.records.read('one')).not.toHaveProperty('look')
})

test('what lies aside of a change is gone when somebody else has finished it', async () => {
  const it = engineBench()
  await it.engine.apply(await bridge('lan', ['va', 'vb']))
  const lan = it.records.read('lan')!
  const pins = it.machine.pinned('')
  // It was killed when all was done but that.
  for (const path of ['lan/@next/@programs/s/links', 'lan/@seen/s/maps/stations'])
    it.machine.createMap('stations', recordedMap(lan, 'lan/s/maps/stations')!).pin(path)
  it.records.write({ ...lan, state: 'switching', change: { before: lan, undo: [], steps: [] } })
  await it.engine.recover(thrown)
  expect(it.records.read('lan')).toEqual(lan)
  expect(it.machine.pinned('')).toEqual(pins)
})

test('a change that cannot be finished holds nobody else up', async () => {
  const it = engineBench()
  await it.engine.apply(await bridge('one', ['va', 'vb']))
  const one = it.records.read('one')!
  // Its cube no longer says what becomes of the entries.
  const copy = {
    do: 'copy again',
    path: 'one/s/maps/stations',
    from: recordedMap(one, 'one/s/maps/stations')!,
  } as const
  const next = it.machine.createMap('stations', copy.from)
  next.pin('one/@next/s/maps/stations')
  const instances = one.graph.instances.map((instance) => ({ ...instance, cube: './gone' }))
  const change = { before: one, undo: [], steps: [copy] }
  it.records.write({ ...one, state: 'switching', graph: { ...one.graph, instances }, change })
  await it.engine.apply(await bridge('other', ['vc', 'vd']))
  expect((await it.engine.status('other')).state).toBe('applied')
  await expect(it.engine.apply(await bridge('one', ['va', 'vb']))).rejects.toThrow('there is no cube in')
  await expect(it.engine.status('one')).rejects.toThrow('there is no cube in')
  await it.engine.delete('one')
  expect(it.engine.names()).toEqual(['other'])
})

test('a name that a graph in another network namespace has is not taken from it, unless its interfaces are gone', async () => {
  const it = engineBench()
  await it.engine.apply(await bridge('lan', ['va', 'vb']))
  it.records.write({ ...it.records.read('lan')!, namespace: 'net:[1] 1' })
  const left = () => ({ pins: it.machine.pinned(''), record: it.records.read('lan') })
  const before = left()
  const file = await bridge('lan', ['vc', 'vd'])
  for (const run of [() => it.engine.plan(file), () => it.engine.apply(file), () => it.engine.look('lan')])
    await expect(run()).rejects.toThrow(
      /there is a graph lan already, on interfaces of another network namespace \(net:\[1\] 1\)\n.*tessera delete lan/,
    )
  expect(left()).toEqual(before)
  expect(it.send('va', alice, bob)).toBe('vb')
  for (const name of ['va', 'vb']) it.machine.unpin(`lan/s/links/${name}`)
  await it.engine.apply(file)
  expect(it.send('vc', alice, bob)).toBe('vd')
  expect(it.records.read('lan')?.namespace).toBe(it.machine.namespace)
})

test('a record that cannot be read is told of by whoever watches, who goes on', async () => {
  const it = engineBench()
  await it.engine.apply(await bridge('lan', ['va', 'vb']))
  let isBroken = true
  const records = through(it.records, (operation, run) => {
    if (isBroken && operation === 'read') throw new Error('no such luck')
    return run()
  })
  const told: string[] = []
  using _watch = it
    .engineOn({ records })
    .watch((name, done) => told.push(`${name}: ${done instanceof Error ? done.message : 'repaired'}`))
  await expect.poll(() => told).toEqual(['lan: no such luck'])
  isBroken = false
  it.machine.removeInterface('vb')
  await expect.poll(() => told).toEqual(['lan: no such luck', 'lan: repaired'])
})

test('a record that cannot be read holds no other graph up', async () => {
  const it = engineBench()
  await it.engine.apply(await bridge('broken', ['va', 'vb']))
  const records: Records = {
    ...{
      names: () => it.records.names(),
      write: (one) => it.records.write(one),
      remove: (name) => it.records.remove(name),
      stamp: (name) => it.records.stamp(name),
      isTidy: () => it.records.isTidy(),
      tidy: () => it.records.tidy(),
    },
    read(name) {
      if (name === 'broken') throw refusal('broken.json cannot be read')
      return it.records.read(name)
    },
  }
  const engine = it.engineOn({ records })
  const file = await bridge('lan', ['vc', 'vd'])
  await engine.plan(file)
  await engine.apply(file)
  await engine.look('lan')
  await engine.bringUp(await bridge('lan', ['vc', 'vd'], 10))
  await expect(engine.apply(await bridge('broken', ['va', 'vb']))).rejects.toThrow('broken.json cannot be read')
})

test('entries of an array that were written too late for a shorter one are counted as lost', () => {
  const { machine } = engineBench()
  const number = { kind: 'scalar', size: 4, signed: false, align: 4 } as const
  const from = { kind: 'array', key: number, value: number, entries: 4 } as const
  const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer)
  using old = machine.createMap('table', from)
  old.pin('lan/s/maps/table')
  using to = machine.createMap('table', { ...from, entries: 2 })
  const copy = { path: 'lan/s/maps/table', from }
  copyEntries(machine, copy, to, (entry) => entry)
  old.update(word(1), word(7))
  old.update(word(3), word(8))
  expect(copyAgain(machine, copy, to, (entry) => entry)).toBe(1)
  expect(to.lookup(word(1))).toEqual(word(7))
})
