/** Programs of an array are exchanged, come into it and go, and the machine refuses or dies meanwhile. */
import { expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { atEveryOperation, type EngineBench, engineBench, thrown } from '../testing/engine-bench.ts'
import { builtinCubes, packet } from '../testing/index.ts'
import { readGraph } from './read/read.ts'

const catalogue = builtinCubes()
const INTERFACES = ['eth0', 'a1', 'a2', 'b1', 'c1', 'g1']
const bench = () => engineBench(INTERFACES)

/** Cubes that flood, and leave their numbers: `b` has another one below it, or not. */
const tree = (number: number, below: boolean) => {
  const cube = (name: string, place: number, number: number, ports: readonly string[]) =>
    `  ${name}: { cube: ./src/testing/cubes/stamp, config: { place: ${place}, number: ${number} }, ports: { ${ports.join(', ')} } }`
  const wires = (...names: readonly string[]) => names.map((name) => `${name}: { interface: ${name} }`)
  const lines = [
    'graph: tree',
    'instances:',
    cube('top', 0, 1, ['up: { interface: eth0 }', 'a: { to: a.up }', 'b: { to: b.up }', 'c: { to: c.up }']),
    cube('a', 1, 1, ['up: {}', ...wires('a1', 'a2')]),
    cube('b', 2, number, ['up: {}', ...wires('b1'), ...(below ? ['g: { to: g.up }'] : [])]),
    ...(below ? [cube('g', 3, 1, ['up: {}', ...wires('g1')])] : []),
    cube('c', 4, 1, ['up: {}', ...wires('c1')]),
  ]
  return readGraph('tree.yaml', lines.join('\n'), catalogue)
}

const frame = packet().ethernet().ipv4().udp().payload('a longer hello').bytes().fill(0, 14, 22)

/** What of a packet comes out where, by where it comes in; and what is pinned. */
const seen = ({ machine, deliver }: EngineBench) => ({
  packets: INTERFACES.map((from) =>
    deliver(from, frame)
      .map(({ at, frame }) => `${at} ${toHex(frame.subarray(14, 22))}`)
      .sort(),
  ),
  pins: [...machine.pinned('')].sort(),
})

type Tree = Parameters<typeof tree>

const CHANGES: readonly { readonly what: string; readonly from: Tree; readonly to: Tree }[] = [
  { what: 'exchange', from: [1, false], to: [2, false] },
  { what: 'fill', from: [1, false], to: [1, true] },
  { what: 'empty', from: [2, true], to: [2, false] },
]

test.each(CHANGES)(
  '$what: refused, nothing has changed; killed, all of it is done or nothing',
  async ({ what, ...change }) => {
    const [from, to] = await Promise.all([tree(...change.from), tree(...change.to)])
    const whole = bench()
    await whole.engine.apply(from)
    const before = seen(whole)
    const { actions } = await whole.engine.apply(to)
    const after = seen(whole)
    expect(actions.map((action) => action.do)).toEqual(expect.arrayContaining(['exchange', what]))
    expect(after).not.toEqual(before)
    for (const manner of ['refuses', 'fails late', 'dies'] as const) {
      const ended = new Map<string, number>()
      await atEveryOperation(
        manner,
        ({ engine }) => engine.apply(from),
        (engine) => engine.apply(to),
        async (it, when, error) => {
          if (manner === 'dies') await it.engine.recover(thrown)
          const isDone = it.records.read('tree')?.graph === to.graph
          expect(it.records.read('tree'), when).toMatchObject({ state: 'applied' })
          expect(seen(it), when).toEqual(isDone ? after : before)
          if (manner !== 'dies') expect(isDone, when).toBe(error === undefined)
          const how = `${isDone ? 'done' : 'undone'} at ${/\((.*)\)/.exec(when)?.[1] ?? 'none'}`
          ended.set(how, (ended.get(how) ?? 0) + 1)
        },
        bench,
      )
      if (manner !== 'dies') expect(ended.get('undone at install'), manner).toBeGreaterThan(0)
      else expect(ended.get('done at install'), manner).toBeGreaterThan(0)
    }
  },
)
