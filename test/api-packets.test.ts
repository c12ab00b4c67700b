/** Packets by the API: what happens to them, themselves, and the state that they leave behind. */
import { describe, expect, test } from 'vitest'
import { Held } from '../src/base/held.ts'
import { builtinCubes } from '../src/daemon/host.ts'
import { serveApi } from '../src/testing/api.ts'
import { everyMachine, type GraphLab, openGraphLab, packet } from '../src/testing/index.ts'

const GRAPH = `
graph: lan
instances:
  switch: { cube: bridge, ports: { alice: { interface: eth1 }, bob: { interface: eth2 } } }
  shelf: { cube: ./shelf, ports: { carol: { interface: eth3 } } }
`
const [alice, bob] = ['02:00:00:00:00:01', '02:00:00:00:00:02']
const frame = packet().ethernet({ source: alice, destination: bob }).ipv4({ source: '10.0.0.1' }).udp().bytes()
const invalid = packet().ethernet({ source: '01:00:00:00:00:01', destination: bob }).ipv4().udp().bytes()

const serve = ({ engine, machine }: GraphLab) =>
  serveApi({
    ...{ engine, machine, catalogue: builtinCubes() },
    engineOf: () => engine,
    enter: () => new Held(),
    [Symbol.dispose]: () => {},
  })

for (const { name, skip } of everyMachine)
  describe.skipIf(skip !== undefined)(`by the API (${name})`, () => {
    test('a capture has packets as they were, and what happened to them', async () => {
      using lab = await openGraphLab(name, { graph: GRAPH })
      await using served = await serve(lab)
      const plain = lab.engine.running(lab.name).programs
      const { body } = await served.client.captureGraph({ graph: lab.name, ports: 'switch', count: 4 })
      lab.send('eth1', frame)
      lab.send('eth1', invalid)
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      expect(bytes.indexOf(frame)).toBeGreaterThan(0)
      for (const said of ['switch:alice in', 'switch:bob out', 'switch:alice dropped: invalid_source'])
        expect(bytes.includes(said)).toBe(true)
      expect(lab.engine.running(lab.name).programs).toEqual(plain)
    })

    test('a trace tells the way of a packet, and ends when nobody listens', async () => {
      using lab = await openGraphLab(name, { graph: GRAPH })
      await using served = await serve(lab)
      const { body } = await served.client.traceGraph({ graph: lab.name })
      lab.send('eth1', frame)
      for await (const { packet, text, lost } of body) {
        expect(packet).toContain('10.0.0.1')
        expect(text).toContain('left by switch:bob')
        expect(lost).toBe('0')
        break
      }
      await expect.poll(() => lab.engine.running(lab.name).look, { timeout: 20_000 }).toBe(undefined)
    })

    test('counters, drops and tables are as packets left them', async () => {
      using lab = await openGraphLab(name, { graph: GRAPH })
      await using served = await serve(lab)
      const { client } = served
      const graph = lab.name
      lab.send('eth1', frame)
      lab.send('eth1', invalid)
      lab.send('eth3', frame)
      const { body: drops } = await client.getDrops({ graph })
      expect(drops.map(({ instance, port, reason, packets }) => [instance, port, reason, packets]).sort()).toEqual([
        ['shelf', 'carol', 'kept', '1'],
        ['switch', 'alice', 'invalid_source', '1'],
      ])
      const { body: counters } = await client.getCounters({ graph })
      expect(counters.find(({ port }) => port === 'bob')?.sent).toEqual({ packets: '1', bytes: String(frame.length) })
      const stations = { graph, instance: 'switch', table: 'stations' }
      const { body } = await client.listEntries(stations)
      expect(body.entries).toEqual([
        { id: alice, key: { address: alice }, value: { port: 0, seen: String(lab.clock.now()) } },
      ])
      expect((await client.getEntry({ ...stations, key: alice })).body).toEqual(body.entries[0])
    })

    test('tables are written, and full at some time', async () => {
      using lab = await openGraphLab(name, { graph: GRAPH })
      await using served = await serve(lab)
      const { client } = served
      const at = { graph: lab.name, instance: 'shelf' }
      const value = { bytes: '18446744073709551615', station: alice, marks: [1, 2] }
      for (let port = 0; port < 4; port++)
        await client.putEntry({ ...at, table: 'flows', key: `10.0.0.1,${port}`, body: value })
      const fifth = client.putEntry({ ...at, table: 'flows', key: '10.0.0.1,4', body: value })
      await expect(fifth).rejects.toMatchObject({ problem: { status: 507 } })
      expect((await client.getEntry({ ...at, table: 'flows', key: '10.0.0.1,3' })).body.value).toEqual(value)
      expect((await client.flushTable({ ...at, table: 'flows' })).body).toEqual({ deleted: 4 })
      await client.putEntry({ ...at, table: 'routes', key: '10.0.0.0/8', body: { next: 1 } })
      await client.putEntry({ ...at, table: 'routes', key: '10.1.0.0/16', body: { next: 2 } })
      expect((await client.getEntry({ ...at, table: 'routes', key: '10.0.0.0/8' })).body.value).toEqual({ next: 1 })
      await client.deleteEntry({ ...at, table: 'routes', key: '10.0.0.0/8' })
      expect((await client.listEntries({ ...at, table: 'routes' })).body.entries.map(({ id }) => id)).toEqual([
        '10.1.0.0/16',
      ])
      await client.putEntry({ ...at, table: 'slots', key: '2', body: { number: 7 } })
      expect((await client.listEntries({ ...at, table: 'slots' })).body.entries.map(({ value }) => value)).toEqual([
        { number: 0 },
        { number: 0 },
        { number: 7 },
      ])
      const { body } = await client.putEntry({ ...at, table: 'counts', key: '7', body: { packets: 5 } })
      expect(body.value).toContainEqual({ packets: '5' })
    })
  })
