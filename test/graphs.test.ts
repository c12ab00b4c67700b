/** Graphs of several cubes: what each packet meets, on both machines. */
import { expect, test } from 'vitest'
import { graphsOnEveryMachine, packet } from '../src/testing/index.ts'

const frame = packet().ethernet().ipv4().udp().payload('hello').bytes()
const none = {}

/** Patches in a row, from eth0 to eth1. */
const chain = (length: number): string =>
  [
    'graph: chain',
    'instances:',
    ...Array.from({ length }, (_, i) => {
      const a = i === 0 ? 'interface: eth0' : ''
      const b = i === length - 1 ? 'interface: eth1' : `to: p${i + 1}.a`
      return `  p${i}: { cube: ./patch, ports: { a: { ${a} }, b: { ${b} } } }`
    }),
  ].join('\n')

graphsOnEveryMachine('a graph', (open) => {
  test.each([2, 5, 16])('of %i cubes in a row: packets pass all of them, both ways', async (length) => {
    using lab = await open(chain(length))
    expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
    expect(lab.send('eth1', frame)).toEqual({ eth0: [frame] })
    const one = { packets: 1n, bytes: BigInt(frame.length) }
    for (const port of ['a', 'b'])
      for (let i = 0; i < length; i++) expect(lab.counters(`p${i}`, port)).toMatchObject({ received: one, sent: one })
  })

  test('of cubes that are too much for one program together: one goes over to the next', async () => {
    using lab = await open(chain(3).replaceAll('./patch', './grinder'))
    expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
    expect(lab.send('eth1', frame)).toEqual({ eth0: [frame] })
    const [first, ...others] = [0, 1, 2].map((i) => lab.table(`p${i}`, 'results').get({ index: 0 }))
    expect(first).not.toEqual({ last: 0n })
    for (const other of others) expect(other).toEqual(first)
  })

  test('with transparent cubes on its ports', async () => {
    using lab = await open(`
graph: taps
instances:
  p: { cube: ./patch, ports: { a: { interface: eth0, through: [outer, inner] }, b: { to: q.a, through: [mine] } } }
  q: { cube: ./patch, ports: { a: { through: [theirs] }, b: { interface: eth1 } } }
  outer: { cube: ./tap }
  inner: { cube: ./tap }
  mine: { cube: ./tap }
  theirs: { cube: ./tap }
`)
    expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
    expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
    expect(lab.send('eth1', frame)).toEqual({ eth0: [frame] })
    const seen = (name: string) =>
      lab
        .table(name, 'seen')
        .entries()
        .map(([, value]) => value)
    for (const name of ['outer', 'inner', 'theirs']) expect(seen(name)).toEqual([{ packets: 2n }, { packets: 1n }])
    expect(seen('mine')).toEqual([{ packets: 1n }, { packets: 2n }])
  })

  test('where a port leads to nothing', async () => {
    using lab = await open(
      '{ graph: end, instances: { p: { cube: ./patch, ports: { a: { interface: eth0 }, b: {} } } } }',
    )
    expect(lab.send('eth0', frame)).toEqual(none)
    expect(lab.counters('p', 'a').drops).toMatchObject({ not_connected: { packets: 1n } })
  })

  test('with a loop: what goes round is dropped after as many hops as the kernel lets it make', async () => {
    using lab = await open(`
graph: ring
instances:
  s: { cube: ./steer, config: { to: 1 }, ports: { a: { interface: eth0 }, x: { to: p.x }, y: { to: p.y } } }
  p: { cube: ./patch, ports: { x: {}, y: {} } }
`)
    expect(lab.send('eth0', frame)).toEqual(none)
    const reasons = ['s', 'p'].flatMap((instance) =>
      ['x', 'y'].flatMap((port) => Object.entries(lab.counters(instance, port).drops)),
    )
    expect(reasons).toMatchObject([['too_many_hops', { packets: 1n }]])
    // The first time round needs none.
    expect(lab.counters('p', 'x').received.packets).toBe(34n)
  })

  test('sends back what came: out of the same port, by another cube, and by one that has no other', async () => {
    using lab = await open(`
graph: back
instances:
  p: { cube: ./patch, ports: { a: { interface: eth0 }, b: { to: s.a } } }
  s: { cube: ./steer, config: { to: 0 }, ports: { a: {}, b: { interface: eth1 } } }
  q: { cube: ./patch, ports: { a: { interface: eth2 }, b: { to: t.a } } }
  t: { cube: ./steer, config: { to: 0 }, ports: { a: {} } }
`)
    expect(lab.send('eth0', frame)).toEqual({ eth0: [frame] })
    expect(lab.send('eth1', frame)).toEqual({ eth0: [frame] })
    expect(lab.send('eth2', frame)).toEqual({ eth2: [frame] })
  })

  test('floods to several cubes and interfaces, all in the kernel', async () => {
    using lab = await open(`
graph: campus
instances:
  core: { cube: bridge, ports: { a: {}, b: {}, c: {}, here: { interface: eth0 } } }
  a: { cube: bridge, ports: { up: { to: core.a }, one: { interface: a1 }, two: { interface: a2 } } }
  b: { cube: bridge, ports: { up: { to: core.b, through: [tap] }, one: { interface: b1 }, two: { interface: b2 } } }
  c: { cube: bridge, ports: { up: { to: core.c }, one: { interface: c1 } } }
  tap: { cube: ./tap }
`)
    const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']
    const to = (destination: string, source: string) =>
      packet().ethernet({ source, destination }).ipv4().udp().payload('hello').bytes()
    const out = to('ff:ff:ff:ff:ff:ff', alice)
    expect(lab.send('a1', out)).toEqual({ a2: [out], b1: [out], b2: [out], c1: [out], eth0: [out] })
    const back = to(alice, bob)
    expect(lab.send('b2', back)).toEqual({ a1: [back] })
    expect(lab.send('eth0', to(bob, alice))).toEqual({ b2: [to(bob, alice)] })
    expect(
      lab
        .table('tap', 'seen')
        .entries()
        .map(([, value]) => value),
    ).toEqual([{ packets: 2n }, { packets: 1n }])
    expect(lab.counters('b', 'up').received.packets).toBe(2n)
  })

  test('becomes another one, and keeps its state', async () => {
    using lab = await open(chain(3).replaceAll('./patch', 'bridge'))
    lab.send('eth0', frame)
    await lab.apply(chain(2).replaceAll('./patch', 'bridge'))
    expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
    expect(lab.table('p1', 'stations').entries()).toHaveLength(1)
    expect(lab.counters('p0', 'a').received.packets).toBe(2n)
  })

  test('keeps its state in tables of other sizes, which each instance has of its own', async () => {
    const sized = (entries: string) => chain(2).replaceAll('./patch', `bridge${entries}`)
    using lab = await open(sized(''))
    lab.send('eth0', frame)
    for (const entries of [', entries: { stations: 16 }', ', entries: { stations: 1024 }', '']) {
      await lab.apply(sized(entries))
      expect(lab.table('p1', 'stations').entries()).toHaveLength(1)
      expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
    }
    const learn = () => {
      for (let host = 0; host < 200; host++)
        lab.send(
          'eth0',
          packet()
            .ethernet({ source: `02:00:00:00:01:${host.toString(16).padStart(2, '0')}` })
            .bytes(),
        )
    }
    learn()
    const learned = () =>
      ['p0', 'p1'].map((name) => lab.table(name, 'stations').entries().length).reduce((sum, one) => sum + one, 0)
    const before = learned()
    const { lost } = await lab.apply(sized(', entries: { stations: 16 }'))
    expect(learned()).toBeLessThanOrEqual(32)
    expect(lost).toBe(before - learned())
    learn()
    expect(learned()).toBeLessThanOrEqual(32)
  })

  test("with links to the host's stack: what it sends comes in, and what it is sent does not come in again", async () => {
    using lab = await open(`
graph: stack
instances:
  s: { cube: bridge, ports: { lan: { interface: eth1 }, up: { interface: eth0 }, stack: { host: eth0 } } }
`)
    const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']
    const to = (destination: string, source: string) =>
      packet().ethernet({ source, destination }).ipv4().udp().payload('hello').bytes()
    const out = to('ff:ff:ff:ff:ff:ff', alice)
    expect(lab.transmit('eth0', out)).toEqual({ eth0: [out], eth1: [out] })
    const back = to(alice, bob)
    expect(lab.send('eth1', back)).toEqual({ 'host eth0': [back] })
    expect(lab.send('eth0', back)).toEqual({ 'host eth0': [back] })
    const packets = (port: string) => Number(lab.counters('s', port).received.packets)
    expect(['lan', 'up', 'stack'].map(packets)).toEqual([1, 1, 1])
  })

  test('with transparent cubes on an interface of something else', async () => {
    using lab = await open(`
graph: foreign
instances: { outer: { cube: ./tap }, inner: { cube: ./tap } }
interfaces: { eth7: { through: [outer, inner] } }
`)
    expect(lab.send('eth7', frame)).toEqual({ 'host eth7': [frame] })
    expect(lab.send('eth7', frame)).toEqual({ 'host eth7': [frame] })
    expect(lab.transmit('eth7', frame)).toEqual({ eth7: [frame] })
    for (const name of ['outer', 'inner'])
      expect(
        lab
          .table(name, 'seen')
          .entries()
          .map(([, value]) => value),
      ).toEqual([{ packets: 2n }, { packets: 1n }])
  })

  test('with interfaces in network namespaces, which may have the same names', async () => {
    using lab = await open(`
graph: pods
instances:
  s:
    cube: bridge
    ports:
      blue: { interface: eth0, namespace: blue }
      red: { interface: eth0, namespace: red }
      here: { interface: eth0 }
`)
    const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']
    const to = (destination: string, source: string) =>
      packet().ethernet({ source, destination }).ipv4().udp().payload('hello').bytes()
    const out = to('ff:ff:ff:ff:ff:ff', alice)
    expect(lab.send('blue/eth0', out)).toEqual({ 'red/eth0': [out], eth0: [out] })
    const back = to(alice, bob)
    expect(lab.send('red/eth0', back)).toEqual({ 'blue/eth0': [back] })
    expect(lab.send('eth0', to(bob, alice))).toEqual({ 'red/eth0': [to(bob, alice)] })
    const { instances } = await lab.engine.status(lab.name)
    expect(instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'up', 'up'])
  })
})
