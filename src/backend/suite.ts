import { describe, expect, test } from 'vitest'
import type { Machine } from './machine.ts'
import { bloomSuite } from './suite/bloom.ts'
import { conformanceSuite } from './suite/conformance.ts'
import { gateSuite } from './suite/gates.ts'
import { instructionSuite } from './suite/instructions.ts'
import { lockSuite } from './suite/locks.ts'
import { lruSuite } from './suite/lru.ts'
import { mapSuite } from './suite/maps.ts'
import { moveSuite } from './suite/moves.ts'
import { packetSuite } from './suite/packets.ts'
import { pinSuite } from './suite/pins.ts'
import { prefixSuite } from './suite/prefixes.ts'
import { queueSuite } from './suite/queues.ts'
import { refusalSuite } from './suite/refusals.ts'
import { ringSuite } from './suite/rings.ts'
import { swapSuite } from './suite/swaps.ts'
import { tailCallSuite } from './suite/tail-calls.ts'
import { xdpSuite } from './suite/xdp.ts'

/** What every machine must do: one suite, in the words of {@link Machine} and of RFC 9669. */
export function machineSuite(name: string, open: () => Machine): void {
  describe(name, () => {
    describe('instructions', () => instructionSuite(open))
    describe('instructions, against a model', () => conformanceSuite(open))
    describe('packets and helpers', () => packetSuite(open))
    describe('what moves packets', () => moveSuite(open))
    describe('maps', () => mapSuite(open))
    describe('tables that forget', () => lruSuite(open))
    describe('prefixes', () => prefixSuite(open))
    describe('queues', () => queueSuite(open))
    describe('Bloom filters', () => bloomSuite(open))
    describe('locks', () => lockSuite(open))
    describe('maps of maps', () => swapSuite(open))
    describe('tail calls', () => tailCallSuite(open))
    describe('rings', () => ringSuite(open))
    describe('gates', () => gateSuite(open))
    describe('pins', () => pinSuite(open))
    describe('XDP', () => xdpSuite(open))
    describe('refuses', () => refusalSuite(open))

    test('an interface that does not exist is undefined', () => {
      using machine = open()
      expect(machine.interface('no-such-if0')).toBeUndefined()
    })

    test('nor is one in a network namespace that there is not', () => {
      using machine = open()
      expect(machine.interface('no-such-netns/eth0')).toBeUndefined()
      expect(machine.hasNamespace('no-such-netns')).toBe(false)
    })

    test('the clock does not go back', () => {
      using machine = open()
      const before = machine.now()
      expect(machine.now()).toBeGreaterThanOrEqual(before)
    })
  })
}
