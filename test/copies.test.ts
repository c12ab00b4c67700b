/** Copies of packets for several cubes, on both machines: each belongs to one graph, and there is an end of them. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tree } from '../bench/change/tree.ts'
import { arrayPath } from '../src/engine/graph/paths.ts'
import { graphsOnEveryMachine, packet } from '../src/testing/index.ts'
import type { witness } from './cubes/witness/dataplane.ts'

const STAMPS_AT = 14
const frame = packet().ethernet().ipv4().udp().payload('hello').bytes()

/** A core that floods to three others and an interface, and they to interfaces. All of them leave the same number. */
const campus = (number: number): string => {
  const stamp = (place: number) => `cube: ./stamp, config: { place: ${place}, number: ${number} }`
  return `
graph: campus
instances:
  core: { ${stamp(0)}, ports: { a: {}, b: {}, c: {}, here: { interface: eth0 } } }
  a: { ${stamp(1)}, ports: { up: { to: core.a }, one: { interface: a1 }, two: { interface: a2 } } }
  b: { ${stamp(2)}, ports: { up: { to: core.b }, one: { interface: b1 }, two: { interface: b2 } } }
  c: { ${stamp(3)}, ports: { up: { to: core.c }, one: { interface: c1 } } }
`
}

/** Where packets come in, and where they come out: with the stamps of which cubes. */
const FLOODS = [
  { from: 'eth0', to: { a1: [0, 1], a2: [0, 1], b1: [0, 2], b2: [0, 2], c1: [0, 3] } },
  { from: 'a1', to: { a2: [1], eth0: [0, 1], b1: [0, 1, 2], b2: [0, 1, 2], c1: [0, 1, 3] } },
]

graphsOnEveryMachine('copies', (open) => {
  test('meet the graph that their packet met, at any moment of a change', async () => {
    using lab = await open(campus(1))
    for (const number of [2, 3]) {
      const met: number[] = []
      await lab.apply(campus(number), () => {
        const { from, to } = FLOODS[met.length % FLOODS.length]!
        const sent = lab.send(from, frame)
        const numbers = Object.entries(to).map(([name, places]) => {
          const [arrived, ...more] = sent[name] ?? []
          expect(more).toEqual([])
          return places.map((place) => arrived?.[STAMPS_AT + place])
        })
        const [one = 0, ...others] = new Set(numbers.flat())
        expect(others).toEqual([])
        expect(Object.keys(sent).length).toBe(Object.keys(to).length)
        met.push(one)
      })
      expect(new Set(met)).toEqual(new Set([number - 1, number]))
      expect(met.at(-1)).toBe(number)
    }
    // What handed out those of the graph before is gone.
    const handing = lab.machine.pinned(lab.name).filter((path) => path.includes('/egress/copies-'))
    expect(handing.map((path) => path.split('/').slice(1))).toEqual([
      ['@programs', '+graph', 'egress', 'copies-0'],
      ['+graph', 'egress', 'copies-0'],
    ])
  })

  // Programs that others go over to are the same for copies, unless an interface is in another network namespace.
  test.for(['', ', namespace: blue'])('come of what was handed on, and of copies; to interfaces%s', async (where) => {
    const { text, interfaces } = tree(14, 64)
    using lab = await open(text.replaceAll(/interface: e\d+x1/g, `$&${where}`))
    expect(lab.machine.pinned(lab.name)).toContain(arrayPath(lab.name))
    const ends = interfaces.map((name) => (name.endsWith('x1') && where !== '' ? `blue/${name}` : name))
    for (const from of ends.filter((_, index) => index % 5 === 0)) {
      const arrived = Object.entries(lab.send(from, frame)).flatMap(([name, frames]) => frames.map(() => name))
      expect(arrived.sort()).toEqual(ends.filter((name) => name !== from).sort())
    }
  })

  test('are made within copies as deep as the kernel goes', async () => {
    const DEEPEST = 9
    const floods = Array.from({ length: 12 }, (_, i) => {
      const from = i === 0 ? 'interface: eth0' : `to: p${i - 1}.next`
      return [
        `  p${i}: { cube: ./stamp, config: { place: 0, number: 1 }, ports: { from: { ${from} }, next: {}, side: { to: s${i}.in } } }`,
        `  s${i}: { cube: ./steer, config: { to: 1 }, ports: { in: {} } }`,
      ]
    })
    using lab = await open(['graph: deep', 'instances:', ...floods.flat()].join('\n'))
    expect(lab.send('eth0', frame)).toEqual({})
    const received = floods.map((_, i) => Number(lab.counters(`p${i}`, 'from').received.packets))
    expect(received).toEqual(floods.map((_, i) => (i <= DEEPEST ? 1 : 0)))
    expect(lab.counters(`p${DEEPEST}`, 'next').drops).toMatchObject({ too_many_hops: { packets: 1n } })
  })

  test('come to an end where floods lead in rings', async () => {
    const names = ['a', 'b', 'c', 'd']
    const mesh = names.map((name, index) => {
      const ports = [
        ...names.slice(0, index).map((other) => `${other}: {}`),
        ...names.slice(index + 1).map((other) => `${other}: { to: ${other}.${name} }`),
        ...(index === 0 ? ['here: { interface: eth0, through: [inlet] }'] : []),
      ]
      return `  ${name}: { cube: ./stamp, config: { place: ${index}, number: 1 }, ports: { ${ports.join(', ')} } }`
    })
    using lab = await open(['graph: mesh', 'instances:', '  inlet: { cube: ./inlet }', ...mesh].join('\n'))
    expect(lab.send('eth0', frame)).toEqual({})
    const ends = names.flatMap((name) => names.filter((other) => other !== name).map((other) => [name, other] as const))
    const counted = ends.map(([name, port]) => lab.counters(name, port))
    const stopped = counted.reduce((sum, { drops }) => sum + (drops.too_many_hops?.packets ?? 0n), 0n)
    expect(stopped).toBeGreaterThan(0n)
    const lost = counted.flatMap(({ drops }) => Object.keys(drops))
    expect(new Set(lost)).toEqual(new Set(['too_many_hops']))
    expect(lab.send('eth0', frame)).toEqual({})
  })

  test('are out before their packet goes on, and before what they have led to arrives', async () => {
    const cube = join(import.meta.dirname, 'cubes/witness')
    // All ways from the hub end in the last cube, and that of its last port is the one that has no copy.
    using lab = await open(`
graph: order
instances:
  hub: { cube: ${cube}, config: { floods: true }, ports: { in: { interface: eth0 }, a: {}, b: {}, c: {}, d: {} } }
  a: { cube: ./steer, config: { to: 1 }, ports: { in: { to: hub.a }, out: {} } }
  b: { cube: ${cube}, config: { floods: true }, ports: { in: { to: hub.b }, one: {}, two: {} } }
  c: { cube: ./steer, config: { to: 1 }, ports: { in: { to: hub.c }, out: {} } }
  d: { cube: ./steer, config: { to: 1 }, ports: { in: { to: hub.d }, out: {} } }
  last:
    cube: ${cube}
    ports: { a: { to: a.out }, b1: { to: b.one }, b2: { to: b.two }, c: { to: c.out }, d: { to: d.out } }
`)
    lab.send('eth0', frame)
    const seen = lab.table<typeof witness.state.seen>('last', 'seen')
    expect(Array.from({ length: 6 }, () => seen.pop()?.port)).toEqual([0, 1, 2, 3, 4, undefined])
  })
})
