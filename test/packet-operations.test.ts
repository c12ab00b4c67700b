/** Random sequences of the helpers that change packets: both machines return the same, and leave the same packet. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  alu64,
  assemble,
  call,
  exit,
  jump,
  label,
  load,
  load64,
  loadMapValue,
  mov,
  type Step,
  store,
} from '../src/backend/assemble.ts'
import type { Machine } from '../src/backend/machine.ts'
import { toHex, viewOf } from '../src/base/bytes.ts'
import { ADJ_ROOM, CSUM, type HelperName, SK_BUFF, XDP_MD } from '../src/isa/opcodes.ts'
import type { Hook, MapDescription } from '../src/isa/program.ts'
import { describeKernel } from '../src/kernel/fixtures.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'

/** What comes out of a call: what the helper returned, and what the context says then. */
const SEEN = {
  tc: [SK_BUFF.len, SK_BUFF.protocol, SK_BUFF.vlan_present, SK_BUFF.vlan_tci, SK_BUFF.vlan_proto],
  xdp: [],
}
const PER_CALL = 8 * (1 + SEEN.tc.length)
const MOST = 6

const RESULTS: MapDescription = {
  kind: 'array',
  key: { kind: 'scalar', size: 4, signed: false, align: 4 },
  value: {
    kind: 'list',
    element: { kind: 'scalar', size: 8, signed: false, align: 8 },
    length: (MOST * PER_CALL) / 8,
    size: MOST * PER_CALL,
    align: 8,
  },
  entries: 1,
}

interface Call {
  readonly helper: HelperName
  /** From r2 on. */
  readonly given: readonly bigint[]
}

/** Nobody promises what is in the room that was made: zeros from here on. */
const cleared = (by: number, done: string): Step => [
  jump('jne', 'r0', 0, done),
  load(4, 'r2', 'r6', XDP_MD.data),
  load(4, 'r3', 'r6', XDP_MD.data_end),
  mov('r4', 'r2'),
  alu64('add', 'r4', Math.max(0, -by)),
  jump('jgt', 'r4', 'r3', done),
  Array.from({ length: Math.max(0, -by) }, (_, at) => store(1, 'r2', at, 0)),
  label(done),
]

const programOf = (hook: Hook, calls: readonly Call[]) =>
  assemble(
    'moves',
    hook,
    [
      mov('r6', 'r1'),
      calls.map(
        ({ helper, given }, index): Step => [
          mov('r1', 'r6'),
          given.map((value, i) => load64(`r${(i + 2) as 2}`, value)),
          call(helper),
          loadMapValue('r7', 'results', index * PER_CALL),
          store(8, 'r7', 0, 'r0'),
          helper === 'xdp_adjust_head' ? cleared(Number(BigInt.asIntN(64, given[0] ?? 0n)), `done ${index}`) : [],
          SEEN[hook].map((field, i) => [load(4, 'r3', 'r6', field), store(8, 'r7', 8 * (i + 1), 'r3')]),
        ],
      ),
      mov('r0', 0),
      exit,
    ],
    { maps: { results: RESULTS }, stack: 8 },
  )

function outcome(machine: Machine, hook: Hook, frame: Uint8Array, calls: readonly Call[]): readonly string[] {
  using results = machine.createMap('results', RESULTS)
  using program = machine.load(programOf(hook, calls), { results })
  const { packet } = program.run(frame)
  const found = viewOf(results.lookup(new Uint8Array(4)) ?? new Uint8Array(MOST * PER_CALL))
  const lines = calls.map(({ helper, given }, index) => {
    const seen = [0, ...SEEN[hook].map((_, i) => 8 * (i + 1))].map((at) =>
      found.getBigInt64(index * PER_CALL + at, true),
    )
    return `${helper} ${given.join(' ')} → ${seen.join(' ')}`
  })
  return [`packet of ${frame.length}`, ...lines, `${packet.length} ${toHex(packet)}`]
}

const length = fc.oneof(
  fc.constantFrom(0, 13, 14, 15, 17, 18, 33, 34, 54, 60, 100, 1514, 16_063, 16_064, 16_065),
  fc.nat(300),
)
const flags = fc.constantFrom(0, 0, 0, 0, 1)
const difference = fc.oneof(
  fc.constantFrom(
    -4096,
    -4095,
    -60,
    -54,
    -48,
    -40,
    -34,
    -28,
    -20,
    -14,
    -8,
    -4,
    0,
    4,
    8,
    14,
    20,
    28,
    36,
    40,
    50,
    70,
    4095,
    4096,
  ),
  fc.integer({ min: -100, max: 200 }),
)
const bits = (all: readonly number[]): fc.Arbitrary<number> =>
  fc.subarray([...all], { maxLength: Math.min(4, all.length) }).map((some) => some.reduce((sum, bit) => sum | bit, 0))

const { encapL2Shift, mac, net, ...ROOM_FLAGS } = ADJ_ROOM
const room = fc
  .tuple(
    difference,
    fc.constantFrom(net, mac, mac, mac, 2),
    fc.oneof(fc.constant(0), bits([...Object.values(ROOM_FLAGS), 1 << 20])),
    fc.constantFrom(0, 0, 14, 21, 255),
  )
  .map(([by, mode, flags, inner]) => [by, mode, BigInt(flags) | (BigInt(inner) << BigInt(encapL2Shift))])

const calling = (helper: HelperName, given: fc.Arbitrary<readonly (number | bigint)[]>): fc.Arbitrary<Call> =>
  given.map((all) => ({ helper, given: all.map((one) => BigInt.asUintN(64, BigInt(one))) }))

const ofTc = fc.oneof(
  calling(
    'skb_vlan_push',
    fc.tuple(fc.constantFrom(0, 0x0081, 0xa888, 0x0008), fc.constantFrom(0, 5, 0x1fff, 0xffff, 0x12345)),
  ),
  calling('skb_vlan_pop', fc.constant([])),
  calling('skb_change_tail', fc.tuple(length, flags)),
  calling('skb_change_head', fc.tuple(length, flags)),
  calling('skb_pull_data', fc.tuple(length)),
  calling('skb_adjust_room', room),
  calling(
    'l4_csum_replace',
    fc.tuple(length, fc.constantFrom(0, 0, 0, 7), fc.nat(0xffff_ffff), bits(Object.values(CSUM))),
  ),
  calling('csum_update', fc.tuple(fc.nat(0xffff))),
)

/** NET_SKB_PAD, and NET_IP_ALIGN where it is not 0. */
const HEADROOM = 64

/**
 * What makes a packet longer in front than there is room for moves it; the offset of its transport header, 0xffff as long as there
 * is none, is then added to, and whatever comes out is where change_tail stops (net/core/skbuff.c, skb_headers_offset_update).
 */
function withoutAccidents(some: readonly Call[]): readonly Call[] {
  // Behind a header that is not there any more, room is taken from what is behind the packet.
  const calls = some.filter(
    ({ helper, given }, at) => at === 0 || helper !== 'skb_adjust_room' || given[1] !== BigInt(net),
  )
  const growth = calls.reduce((sum, { helper, given: [by = 0n] }) => {
    if (helper === 'skb_vlan_push') return sum + 4
    const inFront = helper === 'skb_change_head' || helper === 'skb_adjust_room'
    return inFront ? sum + Math.max(0, Number(BigInt.asIntN(32, by))) : sum
  }, 0)
  return growth < HEADROOM ? calls : calls.filter(({ helper }) => helper !== 'skb_change_tail')
}

const ofXdp = fc.oneof(
  calling('xdp_adjust_head', fc.tuple(fc.oneof(difference, fc.constantFrom(-255, -256, -216, -217)))),
  calling('xdp_adjust_tail', fc.tuple(fc.oneof(difference, fc.constantFrom(3000, 3500, 3600)))),
)

const TYPES = [0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x88b5, 0x0040]
/** What is behind the Ethernet header at least, where the kernel makes a packet of it at TC. */
const leastBehind = (type: number): number => (type === 0x0800 ? 20 : type === 0x86dd ? 40 : 1)

/** With bytes that differ. */
const frame = fc
  .tuple(
    fc.constantFrom(...TYPES),
    fc.constantFrom(...TYPES),
    fc.oneof(fc.constantFrom(15, 17, 18, 34, 54, 60, 1514), fc.integer({ min: 15, max: 200 })),
  )
  .map(([type, inner, length]) => {
    const bytes = Uint8Array.from({ length: Math.max(length, 54) }, (_, i) => (i * 7 + 1) & 0xff)
    bytes.set([type >> 8, type & 0xff], 12)
    bytes.set([inner >> 8, inner & 0xff], 16)
    return bytes.slice(0, Math.max(length, 14 + leastBehind(type)))
  })

describeKernel('random changes of packets are the same in the kernel and on the VM', () => {
  test.each([
    ['tc', ofTc],
    ['xdp', ofXdp],
  ] as const)('%s', (hook, calls) => {
    using kernel = openKernelMachine()
    using vm = openVirtualMachine()
    fc.assert(
      fc.property(frame, fc.array(calls, { minLength: 1, maxLength: MOST }), (bytes, some) => {
        const all = withoutAccidents(some)
        expect(outcome(vm, hook, bytes, all)).toEqual(outcome(kernel, hook, bytes, all))
      }),
      { numRuns: 300 },
    )
  })
})
