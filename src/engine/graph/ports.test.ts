import { expect, test } from 'vitest'
import type { Graph } from './graph.ts'
import { findPort, findWire, portsOf } from './ports.ts'

const instance = (name: string, ports: Readonly<Record<string, string>>) => ({
  name,
  cube: 'bridge',
  config: {},
  ports: Object.entries(ports).map(([port, leads]) => ({
    name: port,
    config: {},
    link: { to: 'interface', interface: leads } as const,
    through: [],
  })),
})
const graph: Graph = {
  name: 'office',
  interfaces: [],
  instances: [instance('lan', { alice: 'eth1', up: 'eth2' }), instance('dmz', { web: 'eth3', up: 'eth4' })],
}

test('a port has the shortest name that is its own', () =>
  expect(portsOf(graph).map(({ name }) => name)).toEqual(['alice', 'lan.up', 'web', 'dmz.up']))

test.each([
  ['alice', 'eth1'],
  ['lan:alice', 'eth1'],
  ['lan.up', 'eth2'],
  ['dmz:up', 'eth4'],
  ['eth4', 'eth4'],
])('%s leads to %s', (text, leads) => expect(findWire(graph, text).interface).toBe(leads))

test.each([
  ['up', /has several ports up\n.*say which: lan.up, dmz.up/],
  ['alise', /no port alise\n.*did you mean alice\? it has alice \(interface eth1\), lan.up \(interface eth2\), web/],
  ['lan:web', /no port lan:web/],
])('%s is none', (text, message) => expect(() => findPort(graph, text)).toThrow(message))
