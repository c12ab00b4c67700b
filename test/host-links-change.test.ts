/** Links to the host's stack come and go, on both machines: what programs of then have sent there is not met by programs of now. */
import { expect, test } from 'vitest'
import { graphsOnEveryMachine, packet } from '../src/testing/index.ts'

const frame = packet().ethernet().ipv4().udp().payload('hello').bytes()

/** Two lines: from eth1 to eth3, or to the stack of eth0; and from eth2 to eth0. */
const lines = (end: string, order: readonly [number, number]): string => {
  const both = [
    `  one: { cube: ./patch, ports: { x: { interface: eth1 }, y: { ${end} } } }`,
    '  two: { cube: ./patch, ports: { x: { interface: eth2 }, y: { interface: eth0 } } }',
  ]
  return ['graph: lines', 'instances:', ...order.map((place) => both[place])].join('\n')
}
const [WIRE, STACK] = ['interface: eth3', 'host: eth0']

interface Change {
  readonly from: string
  readonly to: string
  readonly order: readonly [number, number]
}

const COMES: readonly Change[] = [
  { from: WIRE, to: STACK, order: [0, 1] },
  { from: WIRE, to: STACK, order: [1, 0] },
]
const GOES = COMES.map(({ from, to, order }): Change => ({ from: to, to: from, order }))

graphsOnEveryMachine('a link to the stack', (open, machine) => {
  // In the kernel, a lab waits for what comes out of interfaces that the graph is to have.
  test.each(machine === 'vm' ? [...COMES, ...GOES] : COMES)(
    'instead of $from is $to, in the order $order',
    async ({ from, to, order }) => {
      const outOf = (end: string) => (end === WIRE ? 'eth3' : 'host eth0')
      using lab = await open(lines(from, order))
      const seen: string[] = []
      let asked = 0
      const look = () => {
        // Of each step, once is enough.
        if (asked++ % 2 > 0) return
        const there = (one: string) => Object.keys(lab.send(one, frame))
        expect(there('eth0')).toEqual(['eth2'])
        expect(there('eth2')).toEqual(['eth0'])
        seen.push(...there('eth1'))
      }
      await lab.apply(lines(to, order), look)
      expect(new Set(seen)).toEqual(new Set([outOf(from), outOf(to)]))
      expect(seen.at(-1)).toBe(outOf(to))
      expect((await lab.apply(lines(to, order))).actions).toEqual([])
    },
  )
})
