/** Somebody looks at a graph: its programs are others meanwhile, and the plain ones again afterwards. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeSighting } from '../src/daemon/capture.ts'
import { openVirtualHost } from '../src/daemon/host.ts'
import { Looking } from '../src/daemon/looking.ts'
import { addInterfaces } from '../src/daemon/network.ts'
import { journeysOf, printJourney } from '../src/daemon/trace.ts'
import { readGraph } from '../src/engine/read/read.ts'
import { packet } from '../src/testing/index.ts'

const GRAPH = (ports: string): string => `
graph: lan
instances:
  switch: { cube: bridge, ports: { alice: { interface: a }, up: { to: core.down } } }
  core: { cube: bridge, ports: { down: {}, ${ports} } }
`
const LAN = GRAPH('bob: { interface: b }')
const LARGER = GRAPH('bob: { interface: b }, carol: { interface: c }')

async function open(text = LAN) {
  const host = openVirtualHost()
  const file = await readGraph('/lan.yaml', LARGER, host.catalogue)
  addInterfaces(host.machine, file.graph)
  await host.engine.apply(await readGraph('/lan.yaml', text, host.catalogue))
  return host
}

const frame = packet().ethernet({ destination: 'ff:ff:ff:ff:ff:ff' }).vlan({ id: 7 }).ipv4().udp({}).payload(20).bytes()
const invalid = packet().ethernet({ source: '01:00:00:00:00:01' }).ipv4().udp({}).bytes()

test('what comes by ports is seen, with the tag, and why it dies; then the plain programs are back', async () => {
  using host = await open()
  const plain = host.engine.running('lan').programs
  const looking = await Looking.open(host, 'lan', { where: ['alice', 'core'] })
  expect(host.engine.running('lan').programs).not.toEqual(plain)
  host.machine.receive('a', frame)
  host.machine.receive('a', invalid)
  const seen = looking.take()
  expect(seen.map(describeSighting)).toEqual([
    'switch:alice in',
    'core:down in',
    'core:bob out',
    'switch:alice in',
    'switch:alice dropped: invalid_source (the source is a group or nobody, and neither can send)',
  ])
  expect(seen.map(({ tag }) => tag & 0xfff)).toEqual([7, 7, 7, 0, 0])
  expect(looking.lost).toBe(0n)
  await looking.close()
  expect(host.engine.running('lan').programs).toEqual(plain)
  expect(host.machine.pinned('lan').filter((path) => path.includes('look'))).toEqual([])
})

test('only what is asked for is seen', async () => {
  using host = await open()
  const looking = await Looking.open(host, 'lan', { where: [], sights: ['drop'] })
  host.machine.receive('a', frame)
  host.machine.receive('a', invalid)
  expect(looking.take().map(({ reason }) => reason)).toEqual(['invalid_source'])
  await looking.close()
})

test('a graph that is changed meanwhile is looked at again', async () => {
  using host = await open()
  const looking = await Looking.open(host, 'lan', { where: [], sights: ['out'] })
  expect(looking.isSame()).toBe(true)
  await host.engine.apply(await readGraph('/lan.yaml', LARGER, host.catalogue))
  expect(looking.isSame()).toBe(false)
  host.machine.receive('a', frame)
  expect(looking.take()).toEqual([])
  await looking.again()
  host.machine.receive('a', frame)
  expect(looking.take().map(describeSighting)).toContain('core:carol out')
  await looking.close()
})

test('what was seen before a change, and not taken, is not lost with it', async () => {
  using host = await open()
  const looking = await Looking.open(host, 'lan', { where: [], trace: true })
  host.machine.receive('a', frame)
  await host.engine.apply(await readGraph('/lan.yaml', LARGER, host.catalogue))
  await looking.again()
  host.machine.clock.advance(2n)
  host.machine.receive('a', frame)
  const journeys = journeysOf(looking.take(), looking.takeEvents())
  const ends = journeys.map((one) => printJourney(one, 0n, false).split('\n').at(-1))
  expect(ends).toEqual(['  left by core:bob', '  left by core:bob, left by core:carol'])
  await looking.close()
})

test('ports that there are not are refused, and nothing has changed', async () => {
  using host = await open()
  const { programs } = host.engine.running('lan')
  await expect(Looking.open(host, 'lan', { where: ['bop'] })).rejects.toThrow('the graph lan has no port bop')
  expect(host.engine.running('lan').programs).toEqual(programs)
})

test('transparent cubes are seen in both directions, and have a row of counters for each', async () => {
  const tap = join(import.meta.dirname, '../src/testing/cubes/tap')
  using host = await open(`
graph: lan
instances:
  switch: { cube: bridge, ports: { alice: { interface: a, through: [probe] }, bob: { interface: b } } }
  probe: { cube: ${tap} }
`)
  const looking = await Looking.open(host, 'lan', { where: ['probe'] })
  host.machine.receive('a', frame)
  host.machine.receive('b', frame)
  expect(looking.take().map(describeSighting)).toEqual(['probe:ingress in', 'probe:egress in'])
  await looking.close()
  const { instances } = await host.engine.status('lan')
  const rows = instances.find(({ name }) => name === 'probe')?.ports ?? []
  expect(rows.map(({ name, received, sent }) => [name, received.packets, sent.packets])).toEqual([
    ['ingress', 1n, 1n],
    ['egress', 1n, 1n],
  ])
})

test('an interface with transparent cubes stands for these', async () => {
  const tap = join(import.meta.dirname, '../src/testing/cubes/tap')
  using host = await open(`
graph: lan
instances: { probe: { cube: ${tap} }, other: { cube: ${tap} } }
interfaces: { a: { through: [probe] }, b: { through: [other] } }
`)
  const looking = await Looking.open(host, 'lan', { where: ['a'] })
  host.machine.receive('b', frame)
  host.machine.receive('a', frame)
  expect(looking.take().map(describeSighting)).toEqual(['probe:ingress in'])
  await looking.close()
})

test('a packet is followed from cube to cube, to its end', async () => {
  using host = await open()
  const looking = await Looking.open(host, 'lan', { where: [], trace: true })
  host.machine.receive('a', invalid)
  host.machine.clock.advance(2n)
  host.machine.receive('a', frame)
  const [dead, sent] = journeysOf(looking.take(), looking.takeEvents())
  expect(printJourney(dead!, 0n, false).split('\n').slice(1)).toEqual([
    '  switch:alice in',
    expect.stringMatching(/bridge\/dataplane.ts:7 {2}ethernet: yes$/),
    expect.stringMatching(/bridge\/dataplane.ts:8 {2}Ethernet.source is 01:00:00:00:00:01$/),
    expect.stringMatching(/lang\/functions.ts:\d+ {2}\(address\[0\] & 1\) === 1: yes$/),
    expect.stringMatching(/bridge\/dataplane.ts:8 {2}isMulticast\(ethernet.source\): yes$/),
    expect.stringMatching(/bridge\/dataplane.ts:8 {2}drop\('invalid_source'\)$/),
    '  switch:alice dropped: invalid_source',
    '  died at switch:alice of invalid_source',
  ])
  const lines = printJourney(sent!, 0n, false).split('\n')
  expect(lines.filter((line) => /^ {2}\S/.test(line))).toEqual([
    '  switch:alice in',
    '  switch:up out',
    '  core:down in',
    '  core:bob out',
    '  left by core:bob',
  ])
  await looking.close()
})
