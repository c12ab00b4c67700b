import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseExposition } from '../../testing/exposition.ts'
import { everyMachine, openGraphLab, packet } from '../../testing/index.ts'
import { builtinCubes } from '../host.ts'
import { Metrics } from './metrics.ts'

const graph = `
graph: office
instances:
  switch:
    cube: bridge
    ports:
      alice: { interface: eth1 }
      bob: { interface: eth2 }
  desk:
    cube: ./clerk
    queue: 4096
    ports:
      carol: { interface: eth3 }
      dave: { interface: eth4 }
`

const [alice, bob] = ['02:00:00:00:00:01', '02:00:00:00:00:02']
const frame = (source: string, destination: string) => packet().ethernet({ source, destination }).ipv4().udp().bytes()

for (const { name, skip } of everyMachine)
  describe.skipIf(skip !== undefined)(`figures (${name})`, () => {
    test('tell what was counted, and no more when it is gone', async () => {
      using lab = await openGraphLab(name, { graph })
      let now = 0
      const metrics = new Metrics({
        host: { engine: lab.engine, machine: lab.machine, catalogue: builtinCubes() },
        planes: () => [{ graph: lab.name, instance: 'desk', state: 'waiting', restarts: 3, failure: 'x' }],
        now: () => now,
      })
      const read = async () => parseExposition(await metrics.text())
      const first = frame(alice, bob)
      lab.send('eth1', first)
      lab.send('eth1', frame('01:00:00:00:00:01', bob))
      for (let sent = 0; sent < 60; sent++) lab.send('eth3', frame(alice, bob))
      const found = await read()
      const at = { graph: lab.name, instance: 'switch', port: 'alice' }
      expect(found.value('tessera_port_packets_total', { ...at, direction: 'received' })).toBe(2)
      expect(found.value('tessera_port_bytes_total', { ...at, direction: 'received' })).toBe(2 * first.length)
      expect(found.value('tessera_port_packets_total', { ...at, port: 'bob', direction: 'sent' })).toBe(1)
      const drops = found.samples.filter(
        ({ name, labels }) => name === 'tessera_port_drops_total' && labels.port === 'alice',
      )
      expect(drops.map(({ value }) => value)).toEqual([1])
      expect(found.value('tessera_table_entries', { graph: lab.name, instance: 'switch', table: 'stations' })).toBe(1)
      const carol = { graph: lab.name, instance: 'desk', port: 'carol' }
      const punted = found.value('tessera_port_punts_total', { ...carol, reason: 'stranger' }) ?? 0
      const full = found.value('tessera_port_punt_overflows_total', carol) ?? 0
      expect(punted).toBeGreaterThan(0)
      expect(full).toBeGreaterThan(0)
      expect(punted + full).toBe(60)
      expect(found.value('tessera_control_plane_up', { graph: lab.name, instance: 'desk' })).toBe(0)
      expect(found.value('tessera_control_plane_restarts_total', { graph: lab.name, instance: 'desk' })).toBe(3)
      // Of the kernel's, others may have graphs.
      if (name === 'vm') expect(['graphs', 'instances'].map((of) => found.value(`tessera_${of}`, {}))).toEqual([1, 2])

      // Tables are counted from time to time.
      const bobs = { graph: lab.name, instance: 'switch', table: 'stations' }
      lab.send('eth2', frame(bob, alice))
      expect((await read()).value('tessera_table_entries', bobs)).toBe(1)
      now += 60_000
      expect((await read()).value('tessera_table_entries', bobs)).toBe(2)

      await lab.engine.delete(lab.name)
      const after = await read()
      expect(after.samples.filter(({ labels }) => labels.graph === lab.name).map(({ name }) => name)).toEqual([
        'tessera_control_plane_up',
        'tessera_control_plane_restarts_total',
      ])
    })
  })

describe('the text', () => {
  const metrics = new Metrics({
    host: {
      engine: { names: () => [] } as never,
      machine: {} as never,
      catalogue: builtinCubes(),
    },
    now: () => 1_000,
  })

  test('keeps to the format', async () => {
    metrics.measure('compile', () => {})
    expect(() =>
      metrics.measure('apply', () => {
        throw new Error('no')
      }),
    ).toThrow('no')
    metrics.answered('/api/v1/graphs/{graph}', 404, 0.003)
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    const { value, samples } = parseExposition(await metrics.text())
    expect(value('tessera_compile_seconds_count', {})).toBe(1)
    expect(value('tessera_change_failures_total', { step: 'apply' })).toBe(1)
    expect(
      value('tessera_http_request_seconds_bucket', { route: '/api/v1/graphs/{graph}', status: '4xx', le: '0.005' }),
    ).toBe(1)
    expect(value('process_start_time_seconds', {})).toBeGreaterThan(1_600_000_000)
    expect(value('process_start_time_seconds', {})).toBeLessThanOrEqual(Date.now() / 1000)
    expect(value('process_resident_memory_bytes', {})).toBeGreaterThan(1e6)
    expect(samples.length).toBeGreaterThan(10)
  })

  test('a text that does not keep to it is found out', () => {
    for (const [wrong, why] of [
      ['# TYPE a counter\na 1\n', 'HELP'],
      ['# HELP a x\n# TYPE a counter\na 1\n', '_total'],
      ['# HELP a x\n# TYPE a gauge\na 1\na 1\n', 'twice'],
      ['# HELP a x\n# TYPE a gauge\na{b=c} 1\n', 'labels'],
      ['# HELP a x\n# TYPE a gauge\na 1', 'line'],
      ['# HELP a x\n# TYPE a gauge\na one\n', 'number'],
      ['# HELP a x\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n', 'less'],
    ] as const)
      expect(() => parseExposition(wrong), wrong).toThrow(why)
  })

  test('has every metric and label that the dashboard asks for', async () => {
    const { families } = parseExposition(await metrics.text())
    const labels = new Map(metrics.labels().map(({ name, labels }) => [name, labels]))
    const dashboard = JSON.parse(readFileSync(new URL('../../../docs/grafana-dashboard.json', import.meta.url), 'utf8'))
    const asked: string[] = [
      ...dashboard.panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets.map(({ expr }) => expr)),
      ...dashboard.templating.list
        .map(({ query }: { query: string }) => query)
        .filter((query: string) => query !== 'prometheus'),
    ]
    expect(asked.length).toBeGreaterThan(20)
    const used = new Set<string>()
    for (const expression of asked) {
      const names = [...expression.matchAll(/\b(?:tessera|process)_[a-z_]+/g)].map(([name]) => name)
      expect(names, expression).not.toEqual([])
      for (const name of names) {
        const base = families.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
        expect([...families.keys()], expression).toContain(base)
        used.add(base)
        const known = [...(labels.get(base) ?? []), 'le']
        const by = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */))
        const matched = [...expression.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = '']) =>
          [...list.matchAll(/([a-z_]+) *=~?/g)].map(([, label = '']) => label),
        )
        for (const label of [...by, ...matched]) expect(known, expression).toContain(label)
      }
    }
    // And none is forgotten.
    expect([...families.keys()].filter((name) => !used.has(name))).toEqual([])
  })
})
