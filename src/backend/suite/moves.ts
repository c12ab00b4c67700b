import { describe, expect, test } from 'vitest'
import { concat } from '../../base/bytes.ts'
import { ADJ_ROOM, type HelperName, SK_BUFF } from '../../isa/opcodes.ts'
import type { Hook } from '../../isa/program.ts'
import { alu64, assemble, call, exit, load, mov, neg, type Step } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { FRAME_LENGTH, frameOf, runOnce } from './frame.ts'

const [ENOMEM, EFAULT, EINVAL, EALREADY, ENOTSUPP] = [12, 14, 22, 114, 524]
const IPV4 = 0x0800
const IPV6 = 0x86dd
const VLAN = 0x8100

const frame = (type: number): Uint8Array => {
  const bytes = frameOf(...Array.from({ length: 8 }, (_, index) => BigInt(index + 1)))
  bytes.set([type >> 8, type & 0xff], 12)
  return bytes
}
const zeros = (count: number) => new Uint8Array(count)

/** One call: the context, and what is given. Calls before it are not looked at. */
const calling = (hook: Hook, ...calls: readonly (readonly [HelperName, ...(number | Step)[]])[]) =>
  assemble('moves', hook, [
    mov('r6', 'r1'),
    ...calls.map(
      ([helper, ...given]): Step => [
        mov('r1', 'r6'),
        ...given.map((one, index) => (typeof one === 'number' ? mov(`r${(index + 2) as 2}`, one) : one)),
        call(helper),
      ],
    ),
    neg(64, 'r0'),
    exit,
  ])

/** Flags of skb_adjust_room with the length of an inner Ethernet header, in r4. */
const withInner = (length: number, flags: number): Step => [
  mov('r4', length),
  alu64('lsh', 'r4', ADJ_ROOM.encapL2Shift),
  alu64('or', 'r4', flags),
]

export function moveSuite(open: () => Machine): void {
  const ran = (hook: Hook, bytes: Uint8Array, ...calls: Parameters<typeof calling>[1][]) => {
    using machine = open()
    const { verdict, packet } = runOnce(machine, calling(hook, ...calls), bytes)
    return { error: verdict, packet }
  }
  const plain = frame(IPV4)

  describe('the tail of a packet', () => {
    test.each([
      ['longer', 'tc', ['skb_change_tail', 100, 0], 0, concat(plain, zeros(20))],
      ['shorter', 'tc', ['skb_change_tail', 30, 0], 0, plain.subarray(0, 30)],
      ['as short as it can be', 'tc', ['skb_change_tail', 14, 0], 0, plain.subarray(0, 14)],
      ['shorter than that', 'tc', ['skb_change_tail', 13, 0], EINVAL, plain],
      ['as long as it can be', 'tc', ['skb_change_tail', 16_064, 0], 0, concat(plain, zeros(16_064 - FRAME_LENGTH))],
      ['longer than that', 'tc', ['skb_change_tail', 16_065, 0], EINVAL, plain],
      ['with flags', 'tc', ['skb_change_tail', 30, 1], EINVAL, plain],
      ['longer at XDP', 'xdp', ['xdp_adjust_tail', 20], 0, concat(plain, zeros(20))],
      ['shorter at XDP', 'xdp', ['xdp_adjust_tail', -50], 0, plain.subarray(0, 30)],
      ['shorter than a header at XDP', 'xdp', ['xdp_adjust_tail', -67], EINVAL, plain],
      ['longer than its buffer at XDP', 'xdp', ['xdp_adjust_tail', 4096], EINVAL, plain],
    ] as const)('%s', (_, hook, change, error, packet) => {
      expect(ran(hook, plain, change)).toEqual({ error, packet })
    })
  })

  describe('the head of a packet', () => {
    test.each([
      ['zeros in front', ['skb_change_head', 14, 0], 0, concat(zeros(14), plain)],
      ['more than there can be', ['skb_change_head', 16_064 - FRAME_LENGTH + 1, 0], EINVAL, plain],
      ['with flags', ['skb_change_head', 14, 1], EINVAL, plain],
    ] as const)('%s', (_, change, error, packet) => {
      expect(ran('tc', plain, change)).toEqual({ error, packet })
    })

    test('what is in front cannot be cut off', () => {
      expect(ran('tc', plain, ['skb_change_head', 14, 0], ['skb_change_tail', 27, 0]).error).toBe(EINVAL)
    })
  })

  describe('tags', () => {
    const tagged = concat(plain.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 5), plain.subarray(12))
    test.each([
      ['one in the packet comes out', tagged, [['skb_vlan_pop']], 0, plain],
      ['one beside the packet goes', plain, [['skb_vlan_push', 0x0081, 5], ['skb_vlan_pop']], 0, plain],
      [
        'a second one pushes the first into the packet',
        plain,
        [
          ['skb_vlan_push', 0x0081, 5],
          ['skb_vlan_push', 0, 6],
        ],
        0,
        tagged,
      ],
      [
        'of a packet that ends with it',
        frame(VLAN).subarray(0, 17),
        [['skb_vlan_pop']],
        ENOMEM,
        frame(VLAN).subarray(0, 17),
      ],
    ] as const)('%s', (_, bytes, calls, error, packet) => {
      expect(ran('tc', bytes, ...calls)).toEqual({ error, packet })
    })

    test('the context tells of it', () => {
      using machine = open()
      const program = assemble('tag', 'tc', [
        mov('r6', 'r1'),
        mov('r2', 0xa888),
        mov('r3', 0x6005),
        call('skb_vlan_push'),
        load(4, 'r0', 'r6', SK_BUFF.vlan_tci),
        load(4, 'r1', 'r6', SK_BUFF.vlan_proto),
        alu64('lsh', 'r1', 16),
        alu64('or', 'r0', 'r1'),
        exit,
      ])
      expect(runOnce(machine, program, plain).verdict).toBe(0xa888_6005)
    })
  })

  describe('room within a packet', () => {
    const { mac, net, encapL3IPv4, encapL3IPv6, encapL4Udp, encapL4Gre, encapL2Ethernet, decapL3IPv4, fixedGso } =
      ADJ_ROOM
    const head = (bytes: Uint8Array, at: number, count: number) =>
      concat(bytes.subarray(0, at), zeros(count), bytes.subarray(at))
    test.each([
      ['behind the Ethernet header', plain, [20, mac, 0], 0, head(plain, 14, 20)],
      ['behind the IPv4 header', plain, [8, net, 0], 0, head(plain, 34, 8)],
      ['behind the IPv6 header', frame(IPV6), [8, net, 0], 0, head(frame(IPV6), 54, 8)],
      [
        'of a tunnel',
        plain,
        [50, mac, withInner(14, encapL3IPv4 | encapL4Udp | encapL2Ethernet)],
        0,
        head(plain, 14, 50),
      ],
      ['less', plain, [-20, mac, 0], 0, concat(plain.subarray(0, 14), plain.subarray(34))],
      ['less than a header is left', plain, [-47, mac, 0], ENOTSUPP, plain],
      [
        'less of IPv6, with IPv4 in it',
        frame(IPV6),
        [-40, mac, decapL3IPv4],
        0,
        concat(plain.subarray(0, 12), Uint8Array.of(0x86, 0xdd), plain.subarray(54)),
      ],
      ['less of IPv6, with IPv6 in it', frame(IPV6), [-40, mac, 0], ENOTSUPP, frame(IPV6)],
      ['of another type', frame(0x88b5), [20, mac, 0], ENOTSUPP, frame(0x88b5)],
      ['in another way', plain, [20, 2, 0], ENOTSUPP, plain],
      ['more than 4095', plain, [4096, mac, 0], EFAULT, plain],
      ['flags nobody knows', plain, [20, mac, 1 << 20], EINVAL, plain],
      ['two versions', plain, [20, mac, encapL3IPv4 | encapL3IPv6], EINVAL, plain],
      ['two transports', plain, [20, mac, encapL3IPv4 | encapL4Udp | encapL4Gre], EINVAL, plain],
      ['an inner header without its length', plain, [50, mac, encapL3IPv4 | encapL2Ethernet], EINVAL, plain],
      ['an inner header that is longer', plain, [20, mac, withInner(21, encapL3IPv4)], EINVAL, plain],
      ['less, and of a tunnel', plain, [-20, mac, encapL3IPv4], EINVAL, plain],
      ['more, and out of a tunnel', plain, [20, mac, decapL3IPv4], EINVAL, plain],
      ['segments that keep their size', plain, [20, mac, fixedGso], 0, head(plain, 14, 20)],
    ] as const)('%s', (_, bytes, given, error, packet) => {
      expect(ran('tc', bytes, ['skb_adjust_room', ...given])).toEqual({ error, packet })
    })

    test('a tunnel in a tunnel, and its tail', () => {
      const tunnel = ['skb_adjust_room', 20, mac, encapL3IPv4] as const
      expect(ran('tc', plain, tunnel, tunnel).error).toBe(EALREADY)
      expect(ran('tc', plain, tunnel, ['skb_change_tail', 90, 0]).error).toBe(ENOTSUPP)
    })
  })
}
