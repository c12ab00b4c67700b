/** Interfaces that get another port of the graph, and what packets that pass meanwhile see of that. */
import { expect, test } from 'vitest'
import { atEveryOperation, type EngineBench, engineBench, thrown } from '../../testing/engine-bench.ts'
import { builtinCubes, packet } from '../../testing/index.ts'
import { through } from '../../testing/through.ts'
import { readGraph } from '../read/read.ts'

const catalogue = builtinCubes()
const frame = packet().ethernet().padded(60)

/** Cubes that send what comes in by their first port out of the second, and the other way round. */
const wires = (attach: string, cubes: Readonly<Record<string, readonly [string, string, string, string]>>) => {
  const port = (name: string, to: string) => `${name}: ${to === '' ? '{}' : `{ ${to} }`}`
  const lines = Object.entries(cubes).map(
    ([name, [first, to, second, or]]) =>
      `  ${name}: { cube: ./src/testing/cubes/patch, ports: { ${port(first, to)}, ${port(second, or)} } }`,
  )
  return readGraph('wires.yaml', [`graph: wires\nattach: ${attach}\ninstances:`, ...lines].join('\n'), catalogue)
}

const [va, vb, vc, vd] = ['va', 'vb', 'vc', 'vd'].map((name) => `interface: ${name}`) as [
  string,
  string,
  string,
  string,
]

/** `goesOn`: interfaces whose packets come out at the same place before and after. */
const CHANGES = [
  {
    what: 'two ports exchange their interfaces',
    from: { x: ['l', va, 'r', vb] },
    to: { x: ['l', vb, 'r', va] },
    goesOn: ['va', 'vb'],
  },
  {
    what: 'an instance gets another name',
    from: { x: ['l', va, 'r', vb] },
    to: { y: ['l', va, 'r', vb] },
    goesOn: ['va', 'vb'],
  },
  {
    what: 'two instances exchange their names',
    from: { x: ['l', va, 'r', vb], y: ['l', vc, 'r', vd] },
    to: { x: ['l', vc, 'r', vd], y: ['l', va, 'r', vb] },
    goesOn: ['va', 'vb', 'vc', 'vd'],
  },
  {
    what: 'one comes in front of another, and has its interface',
    from: { x: ['l', va, 'r', vb] },
    to: { y: ['l', va, 'r', 'to: x.l'], x: ['l', '', 'r', vb] },
    goesOn: ['va', 'vb'],
  },
  {
    what: 'a port goes to an interface that is new, and another one has its place',
    from: { x: ['l', va, 'r', vb] },
    to: { x: ['l', vc, 'r', va] },
    goesOn: [],
  },
  {
    what: 'each has the place of the next',
    from: { x: ['l', va, 'r', vb], y: ['l', vc, 'r', vd] },
    to: { x: ['l', vb, 'r', vc], y: ['l', vd, 'r', va] },
    goesOn: [],
  },
] as const satisfies readonly {
  readonly what: string
  readonly from: Parameters<typeof wires>[1]
  readonly to: Parameters<typeof wires>[1]
  readonly goesOn: readonly string[]
}[]

/** Where packets come out, by where they come in. */
const ways = ({ deliver }: EngineBench) =>
  ['va', 'vb', 'vc', 'vd'].map((from) => deliver(from, frame).map(({ at }) => at))
const seen = (it: EngineBench) => ({ ways: ways(it), pins: [...it.machine.pinned('')].sort() })

for (const attach of ['tc ingress', 'xdp generic'])
  for (const { what, from, to, goesOn } of CHANGES) {
    const files = () => Promise.all([wires(attach, from), wires(attach, to)])

    test(`at ${attach}, ${what}: packets meet the graph of before, or of then, at any moment`, async () => {
      const it = engineBench()
      const [before, after] = await files()
      await it.engine.apply(before)
      const old = ways(it)
      await it.engine.apply(after)
      const then = ways(it)
      await it.engine.apply(before)
      let looks = 0
      const machine = through(it.machine, (_, run) => {
        const result = run()
        for (const [at, out] of ways(it).entries()) expect([old[at], then[at]]).toContainEqual(out)
        looks++
        return result
      })
      await it.engineOn({ machine }).apply(after)
      expect(looks).toBeGreaterThan(20)
      expect(ways(it)).toEqual(then)
      for (const name of goesOn) {
        const at = ['va', 'vb', 'vc', 'vd'].indexOf(name)
        expect(then[at]).toEqual(old[at])
        expect(then[at]).toHaveLength(1)
      }
    })

    test(`at ${attach}, ${what}: refused, nothing has changed; killed, all of it is done or nothing`, async () => {
      const [before, after] = await files()
      const whole = engineBench()
      await whole.engine.apply(before)
      const old = seen(whole)
      await whole.engine.apply(after)
      const then = seen(whole)
      expect((await whole.engine.plan(after)).actions).toEqual([])
      for (const manner of ['refuses', 'fails late', 'dies'] as const) {
        const tried = await atEveryOperation(
          manner,
          ({ engine }) => engine.apply(before),
          (engine) => engine.apply(after),
          async (it, when, error) => {
            if (manner === 'dies') await it.engine.recover(thrown)
            const isDone = it.records.read('wires')?.graph === after.graph
            expect(it.records.read('wires'), when).toMatchObject({ state: 'applied' })
            expect(seen(it), when).toEqual(isDone ? then : old)
            if (manner !== 'dies') expect(isDone, when).toBe(error === undefined)
          },
        )
        expect(tried).toBeGreaterThan(20)
      }
    })
  }
