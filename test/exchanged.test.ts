/** Changes of a part of a graph, on both machines: a packet and all copies of it meet that part as it was, or as it is to be. */
import { expect, test } from 'vitest'
import { graphsOnEveryMachine, packet } from '../src/testing/index.ts'

const STAMPS_AT = 14
const frame = packet()
  .ethernet()
  .ipv4()
  .udp()
  .payload('a longer hello')
  .bytes()
  .fill(0, STAMPS_AT, STAMPS_AT + 8)

/** Whom each of the cubes has below it; those with nobody have two interfaces. All flood, and leave their numbers. */
const BELOW = { top: ['a', 'b'], a: ['c', 'd'], b: ['e', 'f'], c: [], d: [], e: [], f: [] } as const
type Name = keyof typeof BELOW
const NAMES = ['top', 'a', 'b', 'c', 'd', 'e', 'f'] as const
type Numbers = Readonly<Record<Name, number>>
const ALL_ONE: Numbers = { top: 1, a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 }

const tree = (numbers: Numbers): string =>
  [
    'graph: tree',
    'instances:',
    ...NAMES.map((name, place) => {
      const below = BELOW[name].map((other) => `${other}: {}`)
      const ends = below.length > 0 ? below : [1, 2].map((end) => `i${end}: { interface: ${name}${end} }`)
      const above = NAMES.find((other) => BELOW[other].some((one) => one === name))
      const up = above === undefined ? '{ interface: eth0 }' : `{ to: ${above}.${name} }`
      return `  ${name}: { cube: ./stamp, config: { place: ${place}, number: ${numbers[name]} }, ports: { up: ${up}, ${ends.join(', ')} } }`
    }),
  ].join('\n')

/** Interfaces by which packets come in, in turn. */
const ORIGINS = ['f1', 'eth0', 'c2'] as const

graphsOnEveryMachine('a part that changes', (open) => {
  test.each<{ what: string; to: readonly Partial<Numbers>[]; isExchanged: boolean }>([
    {
      what: 'one cube, which no packet meets twice: nothing else is loaded',
      to: [{ f: 2 }, { a: 3 }],
      isExchanged: true,
    },
    {
      what: 'two in a row, or two that copies of a packet meet',
      to: [
        { a: 2, c: 2 },
        { c: 3, e: 3 },
        { top: 4, f: 4 },
      ],
      isExchanged: false,
    },
  ])('$what', async ({ to, isExchanged }) => {
    let before = ALL_ONE
    using lab = await open(tree(before))
    for (const change of to) {
      const after = { ...before, ...change }
      const met: boolean[] = []
      let looked = 0
      const { actions } = await lab.apply(tree(after), () => {
        const from = ORIGINS[looked++ % ORIGINS.length] ?? ''
        const stamps = Object.values(lab.send(from, frame)).map((frames) => {
          expect(frames.length).toBe(1)
          return frames[0]?.subarray(STAMPS_AT, STAMPS_AT + NAMES.length)
        })
        expect(stamps.length).toBe(8)
        // Of each cube that a copy met, its number.
        const changed = NAMES.flatMap((name, place) => {
          const numbers = stamps.map((one) => one?.[place]).filter((number) => number !== 0)
          for (const number of numbers) expect([before[name], after[name]]).toContain(number)
          return before[name] === after[name] ? [] : numbers.map((number) => number === after[name])
        })
        expect(new Set(changed).size).toBe(1)
        met.push(changed[0] === true)
      })
      expect(new Set(met)).toEqual(new Set([false, true]))
      expect(met.at(-1)).toBe(true)
      const loads = actions.flatMap((action) =>
        action.do === 'exchange' || action.do === 'install' ? [action.do] : [],
      )
      expect(new Set(loads)).toEqual(new Set([isExchanged ? 'exchange' : 'install']))
      before = after
    }
  })
})
