import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { compile, readDataPlane } from '../src/compiler/compile.ts'
import { onEveryMachine, packet } from '../src/testing/index.ts'
import { ranges } from './cubes/ranges/dataplane.ts'

const cube = join(import.meta.dirname, 'cubes/ranges')
const { config } = ranges

const rules = [
  { source: '10.0.0.0/8', protocol: 'tcp', low: 20 },
  { source: '192.168.0.0/16', protocol: 'udp', low: 1024 },
  { source: '0.0.0.0/0', protocol: 'tcp', established: true },
  { source: '172.16.0.0/12', protocol: 'icmp' },
] satisfies z.input<typeof config>['rules']

const from = (source: string) => packet().ethernet().ipv4({ source })
const udp = (destinationPort: number, source = '192.168.1.1') => from(source).udp({ destinationPort }).bytes()
const tcp = (destinationPort: number, source: string, ack = 0) => from(source).tcp({ destinationPort, ack }).bytes()

/** Up to the end of the list, of which only the last two say anything. */
const list = (before: number, last: number) => [...new Array<number>(62).fill(1), before, last]

onEveryMachine('a list that a loop goes through, between two looks at what was parsed', (openLab, _, hook) => {
  test('the first that fits decides', async () => {
    using lab = await openLab<typeof ranges>({ cube, ports: { a: {}, b: {} }, config: { rules } })
    lab.table('ports').set({ index: 1 }, { low: list(67, 5353), high: list(68, 5360), allowed: list(0, 1) })
    const passes = (frame: Uint8Array) => lab.send('a', frame).b?.length === 1
    expect([5352, 5353, 5360].map((port) => passes(udp(port, '10.0.0.1')))).toEqual([false, true, true])
    expect([66, 68, 1023, 1024].map((port) => passes(udp(port)))).toEqual([false, false, false, true])
    expect([19, 20].map((port) => passes(tcp(port, '10.0.0.1')))).toEqual([false, true])
    expect([0, 1].map((ack) => passes(tcp(20, '11.0.0.1', ack)))).toEqual([false, true])
    expect(['172.31.0.1', '172.32.0.1'].map((source) => passes(from(source).icmp().bytes()))).toEqual([true, false])
    expect([0, 1, 2, 3].map((index) => lab.table('hits').get({ index })?.packets)).toEqual([1n, 1n, 1n, 1n])
    expect(lab.counters('a').drops).toMatchObject({ denied: { packets: 1n }, unmatched: { packets: 6n } })
  })

  test('it loads in the form that is compiled first', async () => {
    using lab = await openLab<typeof ranges>({ cube, ports: { a: {} } })
    const wiring = { port: 1, exits: [{ port: 2, ifindex: 1 }], capacity: 4 }
    const options = { name: 'ranges', config: config.parse({ rules }), port: {}, wiring, hook, cpus: lab.machine.cpus }
    const program = compile(await readDataPlane(join(cube, 'dataplane.ts')), options)
    const maps = Object.entries(program.maps).map(([name, one]) => [name, lab.machine.createMap(name, one)] as const)
    using loaded = lab.machine.load(program, Object.fromEntries(maps))
    expect(loaded.run(udp(5353)).packet.length).toBe(udp(5353).length)
  })
})
