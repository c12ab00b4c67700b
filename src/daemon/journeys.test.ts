/** Packets and what happened to them come by two rings, of which each may be read later than the other. */
import { expect, test } from 'vitest'
import type { Sighting, TraceEvent } from '../engine/look/sights.ts'
import { Journeys } from './journeys.ts'

const packet = (trace: bigint): Sighting => ({
  time: trace,
  trace,
  instance: 'switch',
  port: 'a',
  what: 'in',
  reason: undefined,
  because: undefined,
  tag: 0,
  length: 60,
  bytes: new Uint8Array(60),
  segmentSize: 0,
})

const counted = (trace: bigint, sight: 'in' | 'out'): TraceEvent => ({
  trace,
  time: trace,
  site: { kind: 'counted', id: 1, instance: 'switch', sight, reason: undefined, isInside: false },
  first: 0n,
  second: 0n,
  port: 'a',
  on: undefined,
})

const told = (journeys: Journeys, now: number) =>
  journeys.take(now).map(({ head, events }) => [head.trace, events.length])

test('a packet that is seen just before others are told of has its events as well', () => {
  const journeys = new Journeys()
  journeys.see(packet(1n), 0)
  journeys.see(packet(3n), 19)
  journeys.hear([counted(1n, 'in'), counted(1n, 'out'), counted(3n, 'in')], 20)
  expect(told(journeys, 20)).toEqual([[1n, 2]])
  journeys.hear([counted(3n, 'out')], 40)
  expect(told(journeys, 40)).toEqual([[3n, 2]])
  expect(journeys.isEmpty).toBe(true)
})

test('events that are read before their packet wait for it', () => {
  const journeys = new Journeys()
  journeys.hear([counted(1n, 'in'), counted(1n, 'out')], 0)
  journeys.see(packet(1n), 30)
  expect(told(journeys, 50)).toEqual([[1n, 2]])
})

test('a packet of which nothing is known but that it came is waited for longer, but not for ever', () => {
  const journeys = new Journeys()
  journeys.see(packet(1n), 0)
  journeys.see(packet(3n), 1)
  journeys.hear([counted(1n, 'in'), counted(3n, 'in'), counted(3n, 'out')], 20)
  expect(told(journeys, 100)).toEqual([])
  expect(told(journeys, 500)).toEqual([
    [1n, 1],
    [3n, 2],
  ])
})

test('events of packets that nobody will see are forgotten', () => {
  const journeys = new Journeys()
  journeys.hear([counted(1n, 'in')], 0)
  journeys.hear([], 500)
  journeys.see(packet(1n), 501)
  expect(journeys.end()).toMatchObject([{ head: { trace: 1n }, events: [] }])
})
