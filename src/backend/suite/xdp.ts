import { describe, expect, test } from 'vitest'
import { REDIRECT, XDP_ACTION, XDP_MD } from '../../isa/opcodes.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { alu32, alu64, assemble, call, exit, jump, label, load, loadMap, mov, type Step, store } from '../assemble.ts'
import type { Machine, MachineMap } from '../machine.ts'
import { FRAME_LENGTH, frameOf, runOnce } from './frame.ts'
import { key, mapOf } from './layouts.ts'

const exits = (entries: number): MapDescription => ({ ...mapOf('devmap', entries), value: mapOf('devmap', 1).key })
const EINVAL = 22

/** `r0 = xdp_adjust_head(context, by)`, with the context left in r6. */
const adjustHead = (by: number): Step => [mov('r6', 'r1'), mov('r2', by), call('xdp_adjust_head')]

export function xdpSuite(open: () => Machine): void {
  describe('xdp_adjust_head', () => {
    test.each([
      ['takes bytes off', 4],
      ['takes all but a MAC header off', FRAME_LENGTH - 14],
      ['makes room', -4],
      ['makes as much room as there always is', -192],
    ])('%s', (_, by) => {
      using machine = open()
      const program = assemble('adjust', 'xdp', [
        adjustHead(by),
        load(4, 'r1', 'r6', XDP_MD.data_end),
        load(4, 'r2', 'r6', XDP_MD.data),
        alu64('sub', 'r1', 'r2'),
        alu32('sub', 'r0', 'r1'),
        alu32('mul', 'r0', -1),
        exit,
      ])
      const { verdict, packet } = runOnce(machine, program, frameOf(1n, 2n))
      expect(verdict).toBe(FRAME_LENGTH - by)
      const kept = frameOf(1n, 2n).subarray(Math.max(0, by))
      expect(packet.subarray(Math.max(0, -by))).toEqual(kept)
    })

    test.each([
      ['to less than a MAC header', FRAME_LENGTH - 13],
      ['by more room than there is', -300],
    ])('%s is EINVAL, and changes nothing', (_, by) => {
      using machine = open()
      const program = assemble('adjust', 'xdp', [adjustHead(by), alu32('mul', 'r0', -1), exit])
      const { verdict, packet } = runOnce(machine, program, frameOf(3n))
      expect(verdict).toBe(EINVAL)
      expect(packet).toEqual(frameOf(3n))
    })

    test('what is put in front is what the packet begins with', () => {
      using machine = open()
      const program = assemble('push', 'xdp', [
        adjustHead(-2),
        load(4, 'r7', 'r6', XDP_MD.data),
        load(4, 'r3', 'r6', XDP_MD.data_end),
        mov('r4', 'r7'),
        alu64('add', 'r4', 2),
        jump('jgt', 'r4', 'r3', 'short'),
        store(2, 'r7', 0, 0x2211),
        label('short'),
        mov('r0', XDP_ACTION.pass),
        exit,
      ])
      expect(runOnce(machine, program, frameOf()).packet).toEqual(Uint8Array.of(0x11, 0x22, ...frameOf()))
    })
  })

  describe('redirect_map', () => {
    const redirecting = (port: number, flags: number): Program =>
      assemble(
        'redirect',
        'xdp',
        [loadMap('r1', 'exits'), mov('r2', port), mov('r3', flags), call('redirect_map'), exit],
        { maps: { exits: exits(4) } },
      )

    /** Port 1 leads to the first interface. */
    const wired = (machine: Machine): MachineMap => {
      const map = machine.createMap('exits', exits(4))
      map.update(key(1), key(1))
      return map
    }

    /** include/linux/filter.h, __bpf_xdp_redirect_map: without an entry, the low bits of the flags. */
    test.each([
      ['an entry', 1, 0, XDP_ACTION.redirect],
      ['no entry', 2, 0, XDP_ACTION.aborted],
      ['no entry, and something else to do then', 2, XDP_ACTION.pass, XDP_ACTION.pass],
      ['a number past the end', 4, XDP_ACTION.tx, XDP_ACTION.tx],
      ['all', 0, REDIRECT.broadcast, XDP_ACTION.redirect],
      ['all others', 0, REDIRECT.broadcast | REDIRECT.excludeIngress, XDP_ACTION.redirect],
      ['an entry, with flags nobody knows', 1, 0x40, XDP_ACTION.aborted],
    ])('%s', (_, port, flags, expected) => {
      using machine = open()
      using map = wired(machine)
      expect(runOnce(machine, redirecting(port, flags), frameOf(), { exits: map }).verdict).toBe(expected)
    })
  })

  describe('a devmap', () => {
    test('has the entries that were set, and no others', () => {
      using machine = open()
      using map = machine.createMap('exits', exits(4))
      expect([map.entries(), map.lookup(key(0))]).toEqual([[], undefined])
      map.update(key(3), key(1))
      expect(map.entries()).toEqual([[key(3), key(1)]])
      expect([map.lookup(key(3)), map.lookup(key(0))]).toEqual([key(1), undefined])
      map.delete(key(3))
      expect(map.entries()).toEqual([])
    })

    test('takes no number past its end', () => {
      using machine = open()
      using map = machine.createMap('exits', exits(4))
      expect(() => map.update(key(4), key(1))).toThrow()
    })
  })
}
