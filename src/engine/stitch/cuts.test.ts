import { describe, expect, test } from 'vitest'
import type { Graph, Instance, Link, Port } from '../graph/graph.ts'
import { topology } from '../graph/nodes.ts'
import { type Cuts, cut } from './cuts.ts'

/** What ports lead to, as a graph file has it, and what is on the way: `r.lan`, `eth0`, `host eth0`, `eth0 < guard`. */
type Sketch = Readonly<Record<string, Readonly<Record<string, string>>>>

function linkOf(text: string): Link | undefined {
  if (text === '') return undefined
  if (text.startsWith('host ')) return { to: 'host', interface: text.slice(5) }
  const [instance = '', port] = text.split('.')
  return port === undefined ? { to: 'interface', interface: text } : { to: 'port', instance, port }
}

function portOf(name: string, text: string): Port {
  const [link = '', through = ''] = text.split(' < ')
  return { name, config: {}, link: linkOf(link), through: through.split(' ').filter((one) => one !== '') }
}

const graphOf = (sketch: Sketch, interfaces: Graph['interfaces'] = []): Graph => ({
  name: 'office',
  interfaces,
  instances: Object.entries(sketch).map(
    ([name, ports]): Instance => ({
      name,
      cube: 'any',
      config: {},
      ports: Object.entries(ports).map(([port, text]) => portOf(port, text)),
    }),
  ),
})

const slotsOf = ({ size, at }: Cuts) => Array.from({ length: size }, (_, slot) => at(slot) ?? []).flat()

/** A line for each program: where packets come in, and its nodes. Of slots, those that are more than a node. */
function shown(cuts: Cuts): string[] {
  const planned = slotsOf(cuts).filter(({ nodes }) => nodes.length > 1)
  return [...cuts.entries, ...planned].map(
    ({ from, nodes }) => `${'slot' in from ? 'slot' : `${from.on.interface} ${from.point}`}: ${nodes.join(', ')}`,
  )
}

const cutOf = (graph: Graph, size = 100) => cut(topology(graph, 'tc ingress'), { sizeOf: () => size, sides: 'both' })
const linesOf = (sketch: Sketch, size?: number) => shown(cutOf(graphOf(sketch), size))

/** Patches in a row, the first from eth0 and the last to eth1. */
const chain = (length: number): Sketch =>
  Object.fromEntries(
    Array.from({ length }, (_, i) => [
      `p${i}`,
      { a: i === 0 ? 'eth0' : `p${i - 1}.b`, b: i === length - 1 ? 'eth1' : `p${i + 1}.a` },
    ]),
  )

describe('the programs of a graph', () => {
  test('one for each interface, with all that is reached from there', () => {
    expect(linesOf(chain(3))).toEqual(['eth0 tc ingress: p0.a, p1.a, p2.a', 'eth1 tc ingress: p2.b, p1.b, p0.b'])
  })

  test('transparent cubes are met inwards on the way in, and outwards on the way out', () => {
    expect(linesOf({ s: { a: 'eth0 < outer inner', b: 'eth1' }, outer: {}, inner: {} })).toEqual([
      'eth0 tc ingress: outer ingress, inner ingress, s.a',
      'eth1 tc ingress: s.b, inner egress, outer egress',
    ])
  })

  test('between two ports, those of both are met', () => {
    expect(
      linesOf({ s: { a: 'eth0', b: 'r.a < mine' }, r: { a: 's.b < theirs', b: 'eth1' }, mine: {}, theirs: {} }),
    ).toEqual([
      'eth0 tc ingress: s.a, mine egress, theirs ingress, r.a',
      'eth1 tc ingress: r.b, theirs egress, mine ingress, s.b',
    ])
  })

  test('what the stack sends is met where it leaves', () => {
    expect(linesOf({ s: { a: 'eth0', b: 'host eth0' } })).toEqual(['eth0 tc ingress: s.a', 'eth0 tc egress: s.b'])
  })

  test('interfaces of something else have one each way', () => {
    const graph = graphOf({ outer: {}, inner: {} }, [{ interface: 'eth7', through: ['outer', 'inner'] }])
    expect(shown(cutOf(graph))).toEqual([
      'eth7 tc ingress: outer ingress, inner ingress',
      'eth7 tc egress: inner egress, outer egress',
    ])
  })

  test('what leads back is gone over to', () => {
    const ring = { a: { in: 'eth0', x: 'b.y', y: 'b.x' }, b: { x: 'a.y', y: 'a.x' } }
    expect(linesOf(ring)).toEqual(['eth0 tc ingress: a.in, b.x, a.x, b.y, a.y', 'slot: b.x, a.x', 'slot: b.y, a.y'])
  })

  test('what is sent back is gone over to as well, but where there is no other port', () => {
    expect(linesOf({ s: { a: 'eth0', b: 'r.a' }, r: { a: 's.b' } })).toEqual(['eth0 tc ingress: s.a, r.a, s.b'])
    expect(linesOf({ s: { a: 'eth0', b: 'r.a' }, r: { a: 's.b', b: '' } })).toEqual(['eth0 tc ingress: s.a, r.a'])
  })

  test('a port that leads to another one of its own instance', () => {
    expect(linesOf({ a: { in: 'eth0', x: 'a.y', y: 'a.x' } })).toEqual(['eth0 tc ingress: a.in, a.x, a.y'])
  })
})

describe('the cost of repetition', () => {
  /** Bridges with interfaces, around a router. */
  const star = (bridges: number, interfaces: number): Sketch => ({
    r: Object.fromEntries(Array.from({ length: bridges }, (_, i) => [`p${i}`, `s${i}.up`])),
    ...Object.fromEntries(
      Array.from({ length: bridges }, (_, i) => [
        `s${i}`,
        {
          up: `r.p${i}`,
          ...Object.fromEntries(Array.from({ length: interfaces }, (_, j) => [`a${j}`, `e${i}-${j}`])),
        },
      ]),
    ),
  })

  const programsOf = (sketch: Sketch) => {
    const cuts = cutOf(graphOf(sketch))
    return { entries: cuts.entries, own: slotsOf(cuts).filter(({ nodes }) => nodes.length > 1) }
  }

  test('a small graph repeats what it likes', () => {
    expect(linesOf(star(3, 1))).toEqual([
      'e0-0 tc ingress: s0.a0, r.p0, s2.up, s1.up',
      'e1-0 tc ingress: s1.a0, r.p1, s2.up, s0.up',
      'e2-0 tc ingress: s2.a0, r.p2, s1.up, s0.up',
    ])
  })

  test('a larger one has what is reached from many entries once', () => {
    // The router is in the program of each interface; the bridges behind it have programs, of a node, of their own.
    const { entries, own } = programsOf(star(10, 10))
    expect(new Set(entries.map(({ nodes }) => nodes.length))).toEqual(new Set([2]))
    expect(own).toEqual([])
  })

  test('no program grows without bound, however little is repeated', () => {
    const { entries, own } = programsOf(chain(100))
    const nodes = [...entries, ...own].map((program) => program.nodes.length)
    expect(nodes.sort()).toEqual([10, 10, 30, 30, 30, 30, 30, 30])
  })

  test('a graph of 1,000 instances and 4,000 ports has few of its nodes more than once', () => {
    const sketch = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => {
        // A tree: each one leads to three below it.
        const up = i === 0 ? 'top' : `s${Math.floor((i - 1) / 3)}.d${(i - 1) % 3}`
        const down = [1, 2, 3].map((k) => (3 * i + k < 1000 ? `s${3 * i + k}.up` : `e${i}-${k}`))
        return [`s${i}`, { up, d0: down[0] ?? '', d1: down[1] ?? '', d2: down[2] ?? '' }]
      }),
    )
    const cuts = cutOf(graphOf(sketch))
    const nodes = [...cuts.entries, ...slotsOf(cuts)].flatMap((program) => program.nodes)
    expect(new Set(nodes).size).toBe(4000)
    // And once in its own of each side, where it may have none.
    expect(nodes.length).toBeLessThanOrEqual(5010 + 2 * 4000)
  })
})

test('nodes are in no other program where they are told to', () => {
  const graph = topology(graphOf(chain(3)), 'tc ingress')
  expect(shown(cut(graph, { sizeOf: () => 100, apart: new Set(['p1.a']), sides: 'both' }))).toEqual([
    'eth0 tc ingress: p0.a',
    'eth1 tc ingress: p2.b, p1.b, p0.b',
    'slot: p1.a, p2.a',
  ])
})

test('a program has each of its nodes once, and slots are of one node and one side', () => {
  const size = 6
  // Each leads to every other one.
  const mesh = Object.fromEntries(
    Array.from({ length: size }, (_, i) => {
      const others = Array.from({ length: size }, (_, j) => j).filter((j) => j !== i)
      return [`s${i}`, { in: `eth${i}`, ...Object.fromEntries(others.map((j) => [`p${j}`, `s${j}.p${i}`])) }]
    }),
  )
  for (const one of [1, 100, 1000]) {
    const cuts = cutOf(graphOf(mesh), one)
    for (const { nodes } of [...cuts.entries, ...slotsOf(cuts)]) expect(new Set(nodes).size).toBe(nodes.length)
    for (const { from, side, nodes } of slotsOf(cuts)) {
      const slot = cuts.slotOf(side, nodes[0] ?? '')
      expect([{ slot }, cuts.at(slot)?.nodes]).toEqual([from, nodes])
    }
  }
})
