import { describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import { SK_BUFF, TC_ACT, XDP_ACTION } from '../../isa/opcodes.ts'
import type { Hook } from '../../isa/program.ts'
import { alu32, alu64, assemble, call, exit, load, mov, store, swap, verdict } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, closing, FRAME_LENGTH, frameOf, opening, put, runOnce, SHORT, valueIn } from './frame.ts'

export function packetSuite(open: () => Machine): void {
  describe.each(['tc', 'xdp'] as const)('a packet at the %s hook', (hook: Hook) => {
    test('is read and written behind a bounds check', () => {
      using machine = open()
      const program = assemble('swap', hook, [
        opening(hook, 14),
        load(2, 'r1', 'r7', 12),
        store(2, 'r7', 12, 0),
        store(1, 'r7', 0, 0xfe),
        mov('r0', 'r1'),
        swap('be', 16, 'r0'),
        exit,
        closing,
      ])
      const result = runOnce(machine, program, frameOf())
      expect(result.verdict).toBe(0x88b5)
      const expected = frameOf()
      expected.set([0xfe], 0)
      expected.set([0, 0], 12)
      expect(result.packet).toEqual(expected)
    })

    test('the caller’s bytes stay as they were', () => {
      using machine = open()
      const frame = frameOf(1n)
      runOnce(machine, assemble('write', hook, [opening(hook), store(8, 'r7', 16, 5), verdict(0), closing]), frame)
      expect(frame).toEqual(frameOf(1n))
    })

    test.each([
      ['as long as the check', FRAME_LENGTH, FRAME_LENGTH, 0],
      ['one byte shorter than the check', FRAME_LENGTH - 1, FRAME_LENGTH, SHORT],
      ['much longer than the check', 1000, 14, 0],
    ])('a packet %s', (_, length, checked, expected) => {
      using machine = open()
      const program = assemble('bounds', hook, [opening(hook, checked), verdict(0), closing])
      const frame = new Uint8Array(length)
      frame.set(frameOf().subarray(0, Math.min(length, FRAME_LENGTH)))
      expect(runOnce(machine, program, frame).verdict).toBe(expected)
    })

    test('a frame without a whole MAC header cannot be run', () => {
      using machine = open()
      using program = machine.load(assemble('pass', hook, [verdict(0)]), {})
      expect(() => program.run(new Uint8Array(13))).toThrow(Refusal)
    })
  })

  test('the distance between data and data_end is the length', () => {
    using machine = open()
    const program = assemble('length', 'tc', [
      load(4, 'r2', 'r1', SK_BUFF.data),
      load(4, 'r3', 'r1', SK_BUFF.data_end),
      mov('r0', 'r3'),
      alu64('sub', 'r0', 'r2'),
      exit,
    ])
    expect(runOnce(machine, program, new Uint8Array(77)).verdict).toBe(77)
  })

  test('fields of __sk_buff', () => {
    using machine = open()
    const fields = [
      'len',
      'protocol',
      'mark',
      'vlan_present',
      'vlan_tci',
      'priority',
      'ifindex',
      'ingress_ifindex',
    ] as const
    const program = bodied('fields', [
      ...fields.flatMap((field, i) => [load(4, 'r1', 'r6', SK_BUFF[field]), put(i, 'r1')]),
    ])
    const { packet } = runOnce(machine, program, frameOf())
    const found = Object.fromEntries(fields.map((field, i) => [field, valueIn(packet, i)]))
    // A test run comes from loopback, interface 1, but arrived nowhere. The protocol is in network order.
    expect(found).toEqual({
      len: BigInt(FRAME_LENGTH),
      protocol: 0xb588n,
      mark: 0n,
      vlan_present: 0n,
      vlan_tci: 0n,
      priority: 0n,
      ifindex: 1n,
      ingress_ifindex: 0n,
    })
  })

  test('mark and priority can be written and read again', () => {
    using machine = open()
    const program = assemble('mark', 'tc', [
      mov('r2', 5),
      store(4, 'r1', SK_BUFF.mark, 'r2'),
      mov('r2', 7),
      store(4, 'r1', SK_BUFF.priority, 'r2'),
      load(4, 'r0', 'r1', SK_BUFF.mark),
      load(4, 'r3', 'r1', SK_BUFF.priority),
      alu64('lsh', 'r3', 8),
      alu64('or', 'r0', 'r3'),
      exit,
    ])
    expect(runOnce(machine, program, frameOf()).verdict).toBe(0x705)
  })

  test('tc_index, by which programs know packets again, is nothing at first and can be written', () => {
    using machine = open()
    const program = assemble('index', 'tc', [
      load(4, 'r0', 'r1', SK_BUFF.tc_index),
      mov('r2', 0xfff1),
      store(4, 'r1', SK_BUFF.tc_index, 'r2'),
      load(4, 'r3', 'r1', SK_BUFF.tc_index),
      alu64('add', 'r0', 'r3'),
      exit,
    ])
    expect(runOnce(machine, program, frameOf()).verdict).toBe(0xfff1)
  })

  describe('helpers', () => {
    test('ktime_get_ns is the clock of now()', () => {
      using machine = open()
      const program = bodied('now', [call('ktime_get_ns'), put(0, 'r0')])
      const before = machine.now()
      const inside = valueIn(runOnce(machine, program, frameOf()).packet, 0)
      const after = machine.now()
      expect(before <= inside && inside <= after, `${before} <= ${inside} <= ${after}`).toBe(true)
    })

    test('get_prandom_u32 has 32 bits and is not always the same', () => {
      using machine = open()
      const program = bodied('random', [
        call('get_prandom_u32'),
        put(0, 'r0'),
        call('get_prandom_u32'),
        put(1, 'r0'),
        call('get_prandom_u32'),
        put(2, 'r0'),
      ])
      const { packet } = runOnce(machine, program, frameOf())
      const numbers = [0, 1, 2].map((i) => valueIn(packet, i))
      expect(numbers.every((number) => number < 1n << 32n)).toBe(true)
      expect(new Set(numbers).size).toBeGreaterThan(1)
    })

    test('get_smp_processor_id is a small number', () => {
      using machine = open()
      const { packet } = runOnce(machine, bodied('cpu', [call('get_smp_processor_id'), put(0, 'r0')]), frameOf())
      expect(valueIn(packet, 0)).toBeLessThan(4096n)
    })

    /** net/core/filter.c: what redirect returns for each set of flags. Whether the interface exists is asked later. */
    test.each([
      ['tc', 'out of an interface', 0, TC_ACT.redirect],
      ['tc', 'into an interface', 1, TC_ACT.redirect],
      ['tc', 'with flags nobody knows', 0x100, TC_ACT.shot],
      ['xdp', 'out of an interface', 0, XDP_ACTION.redirect],
      ['xdp', 'with flags', 1, XDP_ACTION.aborted],
    ] as const)('redirect at %s %s', (hook, _, flags, expected) => {
      using machine = open()
      const program = assemble('redirect', hook, [mov('r1', 1), mov('r2', flags), call('redirect'), exit])
      expect(runOnce(machine, program, frameOf()).verdict).toBe(expected)
    })

    test.each([
      ['to the other end of an interface', 0, TC_ACT.redirect],
      ['with flags', 1, TC_ACT.shot],
    ])('redirect_peer %s', (_, flags, expected) => {
      using machine = open()
      const program = assemble('peer', 'tc', [mov('r1', 1), mov('r2', flags), call('redirect_peer'), exit])
      expect(runOnce(machine, program, frameOf()).verdict).toBe(expected)
    })

    test.each([
      ['an interface that does not exist', 0x7ffffff0, 0],
      ['flags nobody knows', 1, 0x100],
    ])('clone_redirect to %s is EINVAL', (_, ifindex, flags) => {
      using machine = open()
      const program = assemble('clone', 'tc', [
        mov('r2', ifindex),
        mov('r3', flags),
        call('clone_redirect'),
        alu32('mul', 'r0', -1),
        exit,
      ])
      expect(runOnce(machine, program, frameOf()).verdict).toBe(22)
    })

    test('after clone_redirect the packet is read again through new pointers', () => {
      using machine = open()
      const program = assemble('again', 'tc', [
        opening('tc'),
        store(1, 'r7', 16, 42),
        mov('r1', 'r6'),
        mov('r2', 0x7ffffff0),
        mov('r3', 0),
        call('clone_redirect'),
        mov('r1', 'r6'),
        opening('tc', 20),
        load(1, 'r0', 'r7', 16),
        exit,
        closing,
      ])
      expect(runOnce(machine, program, frameOf()).verdict).toBe(42)
    })

    test('r6 to r9 survive a call', () => {
      using machine = open()
      const program = assemble('kept', 'tc', [
        mov('r6', 1),
        mov('r7', 2),
        mov('r8', 4),
        mov('r9', 8),
        call('get_smp_processor_id'),
        mov('r0', 'r6'),
        alu64('add', 'r0', 'r7'),
        alu64('add', 'r0', 'r8'),
        alu64('add', 'r0', 'r9'),
        exit,
      ])
      expect(runOnce(machine, program, frameOf()).verdict).toBe(15)
    })
  })
}
