import { describe, expect, test } from 'vitest'
import { SK_BUFF } from '../../isa/opcodes.ts'
import type { Program } from '../../isa/program.ts'
import {
  type Arithmetic,
  type AtomicOperation,
  alu32,
  alu64,
  assemble,
  atomic,
  type Condition,
  callLocal,
  exit,
  goto,
  gotol,
  jump,
  jump32,
  label,
  load,
  load64,
  loadSigned,
  mayGoto,
  mov,
  movsx,
  neg,
  type Step,
  store,
  swap,
  verdict,
} from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { bodied, frameOf, put, runOnce, take, valueIn } from './frame.ts'

const LEAST64 = 0x8000000000000000n
const ONES = 0xffffffffffffffffn
const LEAST32 = 0x80000000n

type Row = readonly [a: bigint, b: bigint, result: bigint]

/** RFC 9669 section 4.1, 64-bit. */
const ALU64: Readonly<Record<Arithmetic, readonly Row[]>> = {
  add: [
    [2n, 3n, 5n],
    [0xffffffffn, 1n, 0x100000000n],
    [ONES, 1n, 0n],
  ],
  sub: [
    [5n, 3n, 2n],
    [0x100000000n, 1n, 0xffffffffn],
    [0n, 1n, ONES],
  ],
  mul: [
    [6n, 7n, 42n],
    [0xffffffffn, 0xffffffffn, 0xfffffffe00000001n],
    [0x123456789abcdef0n, 0xfedcba9876543210n, 0x2236d88fe5618cf00n & ONES],
    [ONES, ONES, 1n],
  ],
  div: [
    [42n, 5n, 8n],
    [ONES, 2n, 0x7fffffffffffffffn],
    [ONES, 0x100000001n, 0xffffffffn],
    [5n, 0n, 0n],
    [LEAST64, ONES, 0n],
  ],
  sdiv: [
    [42n, 5n, 8n],
    [-42n, 5n, -8n],
    [42n, -5n, -8n],
    [-42n, -5n, 8n],
    [-5n, 0n, 0n],
    [LEAST64, -1n, LEAST64],
    [LEAST64, 2n, 0xc000000000000000n],
  ],
  mod: [
    [42n, 5n, 2n],
    [ONES, 0x100000000n, 0xffffffffn],
    [ONES, 0n, ONES],
    [7n, 0x100000000n, 7n],
  ],
  smod: [
    [42n, 5n, 2n],
    [-42n, 5n, -2n],
    [42n, -5n, 2n],
    [-42n, -5n, -2n],
    [-5n, 0n, -5n],
    [LEAST64, -1n, 0n],
  ],
  or: [[0xf0f0f0f0f0f0f0f0n, 0x0f0f0f0f00000000n, 0xfffffffff0f0f0f0n]],
  and: [[0xf0f0f0f0f0f0f0f0n, 0xff00ff00ff00ff00n, 0xf000f000f000f000n]],
  xor: [[0xff00ff00ff00ff00n, 0xffffffff00000000n, 0x00ff00ffff00ff00n]],
  lsh: [
    [1n, 0n, 1n],
    [1n, 31n, 0x80000000n],
    [1n, 32n, 0x100000000n],
    [0x123456789n, 60n, 0x9000000000000000n],
    [1n, 64n, 1n],
    [1n, 65n, 2n],
  ],
  rsh: [
    [LEAST64, 0n, LEAST64],
    [LEAST64, 31n, 0x100000000n],
    [LEAST64, 32n, 0x80000000n],
    [LEAST64, 63n, 1n],
    [LEAST64, 64n, LEAST64],
  ],
  arsh: [
    [LEAST64, 4n, 0xf800000000000000n],
    [LEAST64, 32n, 0xffffffff80000000n],
    [LEAST64, 63n, ONES],
    [0x7000000000000000n, 60n, 7n],
    [-2n, 65n, -1n],
  ],
  mov: [[1n, 0x123456789abcdef0n, 0x123456789abcdef0n]],
}

/** RFC 9669 section 4.1, 32-bit: operands are the lower halves, and the upper half of the result is zero. */
const ALU32: Readonly<Record<Arithmetic, readonly Row[]>> = {
  add: [
    [0xffffffffn, 1n, 0n],
    [0xaaaaaaaa00000001n, 0xbbbbbbbb00000002n, 3n],
  ],
  sub: [[0xffffffff00000000n, 1n, 0xffffffffn]],
  mul: [[0x12345678n, 0x9abcdef0n, 0x242d2080n]],
  div: [
    [ONES, 2n, 0x7fffffffn],
    [7n, 0xffffffff00000000n, 0n],
    [LEAST32, 0xffffffffn, 0n],
  ],
  sdiv: [
    [0xffffffd6n, 5n, 0xfffffff8n],
    [42n, 0xfffffffbn, 0xfffffff8n],
    [LEAST32, 0xffffffffn, LEAST32],
    [0xffffffd6n, 0n, 0n],
  ],
  mod: [
    [0xffffffff0000002an, 5n, 2n],
    [0xffffffff0000002an, 0n, 42n],
  ],
  smod: [
    [0xffffffd6n, 5n, 0xfffffffen],
    [LEAST32, 0xffffffffn, 0n],
    [0xffffffd6n, 0n, 0xffffffd6n],
  ],
  or: [[0xffffffff00000001n, 2n, 3n]],
  and: [[ONES, 0xffffffff0000ffffn, 0xffffn]],
  xor: [[ONES, 0xffffn, 0xffff0000n]],
  lsh: [
    [1n, 31n, 0x80000000n],
    [1n, 32n, 1n],
    [3n, 31n, 0x80000000n],
  ],
  rsh: [
    [0xffffffff80000000n, 31n, 1n],
    [LEAST32, 32n, LEAST32],
  ],
  arsh: [
    [LEAST32, 31n, 0xffffffffn],
    [0x40000000n, 30n, 1n],
  ],
  mov: [[1n, 0x123456789abcdef0n, 0x9abcdef0n]],
}

/** Both kinds of second operand: a register, and (where the row's fits) an immediate. */
function arithmetic(bits: 32 | 64, operation: Arithmetic, b: bigint | undefined): Program {
  const alu = bits === 64 ? alu64 : alu32
  const operand = b === undefined ? 'r4' : Number(BigInt.asIntN(32, b))
  return bodied(operation, [take('r3', 0), take('r4', 1), alu(operation, 'r3', operand), put(2, 'r3')])
}

/** Immediates are sign-extended from 32 bits. The verifier refuses those that divide by zero or shift too far. */
function isImmediate(bits: 32 | 64, operation: Arithmetic, b: bigint): boolean {
  if (['div', 'sdiv', 'mod', 'smod'].includes(operation) && BigInt.asUintN(bits, b) === 0n) return false
  if (['lsh', 'rsh', 'arsh'].includes(operation) && b >= BigInt(bits)) return false
  return bits === 32 || BigInt.asIntN(32, b) === BigInt.asIntN(64, b)
}

/** RFC 9669 section 4.3: which of these pairs jump. Signed and unsigned order differ where the top bit is set. */
const PAIRS = [
  [1n, 1n],
  [1n, 2n],
  [2n, 1n],
  [ONES, 1n],
  [1n, ONES],
  [0x100000000n, 1n],
  [0x7fffffffn, LEAST32],
  [LEAST64, 0x7fffffffffffffffn],
  [0x0000000100000001n, 0x0000000200000001n],
] as const

const signed = (bits: 32 | 64, value: bigint) => BigInt.asIntN(bits, value)
const unsigned = (bits: 32 | 64, value: bigint) => BigInt.asUintN(bits, value)

const CONDITIONS: Readonly<Record<Condition, (bits: 32 | 64, a: bigint, b: bigint) => boolean>> = {
  jeq: (bits, a, b) => unsigned(bits, a) === unsigned(bits, b),
  jne: (bits, a, b) => unsigned(bits, a) !== unsigned(bits, b),
  jset: (bits, a, b) => (unsigned(bits, a) & unsigned(bits, b)) !== 0n,
  jgt: (bits, a, b) => unsigned(bits, a) > unsigned(bits, b),
  jge: (bits, a, b) => unsigned(bits, a) >= unsigned(bits, b),
  jlt: (bits, a, b) => unsigned(bits, a) < unsigned(bits, b),
  jle: (bits, a, b) => unsigned(bits, a) <= unsigned(bits, b),
  jsgt: (bits, a, b) => signed(bits, a) > signed(bits, b),
  jsge: (bits, a, b) => signed(bits, a) >= signed(bits, b),
  jslt: (bits, a, b) => signed(bits, a) < signed(bits, b),
  jsle: (bits, a, b) => signed(bits, a) <= signed(bits, b),
}

/** One operand in, one result out. */
const UNARY: readonly (readonly [name: string, step: Step, a: bigint, result: bigint])[] = [
  ['r3 = -r3', neg(64, 'r3'), 1n, ONES],
  ['r3 = -r3 of the least number', neg(64, 'r3'), LEAST64, LEAST64],
  ['r3 = -r3 of 0', neg(64, 'r3'), 0n, 0n],
  ['r3 = -r3 with a carry', neg(64, 'r3'), 0x100000000n, 0xffffffff00000000n],
  ['w3 = -w3', neg(32, 'r3'), 0xaaaaaaaa00000001n, 0xffffffffn],
  ['r3 = (s8)r3', movsx(64, 8, 'r3', 'r3'), 0x1280n, 0xffffffffffffff80n],
  ['r3 = (s8)r3 of a positive', movsx(64, 8, 'r3', 'r3'), 0xff7fn, 0x7fn],
  ['r3 = (s16)r3', movsx(64, 16, 'r3', 'r3'), 0x18000n, 0xffffffffffff8000n],
  ['r3 = (s32)r3', movsx(64, 32, 'r3', 'r3'), LEAST32, 0xffffffff80000000n],
  ['w3 = (s8)w3', movsx(32, 8, 'r3', 'r3'), 0x80n, 0xffffff80n],
  ['w3 = (s16)w3', movsx(32, 16, 'r3', 'r3'), 0xffffffff8000n, 0xffff8000n],
  ['r3 = le16 r3', swap('le', 16, 'r3'), 0x1122334455667788n, 0x7788n],
  ['r3 = le32 r3', swap('le', 32, 'r3'), 0x1122334455667788n, 0x55667788n],
  ['r3 = le64 r3', swap('le', 64, 'r3'), 0x1122334455667788n, 0x1122334455667788n],
  ['r3 = be16 r3', swap('be', 16, 'r3'), 0x1122334455667788n, 0x8877n],
  ['r3 = be32 r3', swap('be', 32, 'r3'), 0x1122334455667788n, 0x88776655n],
  ['r3 = be64 r3', swap('be', 64, 'r3'), 0x1122334455667788n, 0x8877665544332211n],
  ['r3 = bswap16 r3', swap('bswap', 16, 'r3'), 0x1122334455667788n, 0x8877n],
  ['r3 = bswap32 r3', swap('bswap', 32, 'r3'), 0x1122334455667788n, 0x88776655n],
  ['r3 = bswap64 r3', swap('bswap', 64, 'r3'), 0x1122334455667788n, 0x8877665544332211n],
  ['a load of 1 byte', load(1, 'r3', 'r7', 16), 0x11223344556677f8n, 0xf8n],
  ['a load of 2 bytes', load(2, 'r3', 'r7', 16), 0x112233445566f788n, 0xf788n],
  ['a load of 4 bytes', load(4, 'r3', 'r7', 16), 0x11223344f5667788n, 0xf5667788n],
  ['a load across words', load(4, 'r3', 'r7', 18), 0x1122334455667788n, 0x33445566n],
  ['a signed load of 1 byte', loadSigned(1, 'r3', 'r7', 16), 0xf8n, 0xfffffffffffffff8n],
  ['a signed load of 2 bytes', loadSigned(2, 'r3', 'r7', 16), 0xf788n, 0xfffffffffffff788n],
  ['a signed load of 4 bytes', loadSigned(4, 'r3', 'r7', 16), 0xf5667788n, 0xfffffffff5667788n],
  ['a signed load of a positive', loadSigned(2, 'r3', 'r7', 16), 0xf7788n, 0x7788n],
  ['a constant of 64 bits', load64('r3', 0xfedcba9876543210n), 0n, 0xfedcba9876543210n],
  ['a constant of 32 bits, sign-extended', mov('r3', -2), 0n, 0xfffffffffffffffen],
  ['a constant of 32 bits to a half register', alu32('mov', 'r3', -2), 0n, 0xfffffffen],
]

/** Stores: what is left of eight bytes of ones. */
const STORES: readonly (readonly [name: string, step: Step, result: bigint])[] = [
  ['1 byte', store(1, 'r10', -8, 'r3'), 0xffffffffffffff88n],
  ['2 bytes', store(2, 'r10', -6, 'r3'), 0xffffffff7788ffffn],
  ['4 bytes', store(4, 'r10', -4, 'r3'), 0x55667788ffffffffn],
  ['8 bytes', store(8, 'r10', -8, 'r3'), 0x1122334455667788n],
  ['1 byte of a constant', store(1, 'r10', -1, 5), 0x05ffffffffffffffn],
  ['2 bytes of a constant', store(2, 'r10', -8, 0x1234), 0xffffffffffff1234n],
  ['4 bytes of a constant', store(4, 'r10', -8, -2), 0xfffffffffffffffen],
  ['8 bytes of a constant, sign-extended', store(8, 'r10', -8, -2), 0xfffffffffffffffen],
  ['8 bytes of a positive constant', store(8, 'r10', -8, 7), 7n],
]

type AtomicRow = readonly [
  bytes: 4 | 8,
  operation: AtomicOperation,
  was: bigint,
  r0: bigint,
  r3: bigint,
  is: bigint,
  r0: bigint,
  r3: bigint,
]

/** RFC 9669 section 5.3, on eight bytes of stack: memory, r0 and r3 before, and after. */
const ATOMICS: readonly AtomicRow[] = [
  [8, 'add', 0xffffffffn, 0n, 1n, 0x100000000n, 0n, 1n],
  [8, 'or', 0xf0n, 0n, 0x0fn, 0xffn, 0n, 0x0fn],
  [8, 'and', 0xfff0n, 0n, 0x0fffn, 0x0ff0n, 0n, 0x0fffn],
  [8, 'xor', 0xffn, 0n, 0x0fn, 0xf0n, 0n, 0x0fn],
  [8, 'fetch_add', ONES, 0n, 2n, 1n, 0n, ONES],
  [8, 'fetch_or', 1n, 0n, LEAST64, LEAST64 | 1n, 0n, 1n],
  [8, 'fetch_and', ONES, 0n, LEAST64, LEAST64, 0n, ONES],
  [8, 'fetch_xor', ONES, 0n, 1n, ONES - 1n, 0n, ONES],
  [8, 'xchg', 0x1122334455667788n, 0n, 5n, 5n, 0n, 0x1122334455667788n],
  [8, 'cmpxchg', 7n, 7n, 9n, 9n, 7n, 9n],
  [8, 'cmpxchg', 0x100000007n, 7n, 9n, 0x100000007n, 0x100000007n, 9n],
  [4, 'add', 0x11223344ffffffffn, 0n, 1n, 0x1122334400000000n, 0n, 1n],
  [4, 'fetch_add', 0x11223344ffffffffn, 0n, 0xaaaaaaaa00000002n, 0x1122334400000001n, 0n, 0xffffffffn],
  [4, 'xchg', 0x1122334455667788n, 0n, 0xaaaaaaaa00000005n, 0x1122334400000005n, 0n, 0x55667788n],
  [4, 'cmpxchg', 0x1122334400000007n, 0xaaaaaaaa00000007n, 9n, 0x1122334400000009n, 7n, 9n],
  [4, 'cmpxchg', 0x1122334400000008n, 7n, 9n, 0x1122334400000008n, 8n, 9n],
]

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`

export function instructionSuite(open: () => Machine): void {
  describe.each([
    [64, ALU64],
    [32, ALU32],
  ] as const)('arithmetic on %i bits', (bits, table) => {
    test.each(Object.entries(table) as [Arithmetic, readonly Row[]][])('%s', (operation, rows) => {
      using machine = open()
      using byRegister = machine.load(arithmetic(bits, operation, undefined), {})
      for (const [a, b, result] of rows) {
        const { packet } = byRegister.run(frameOf(a, b))
        expect(hex(valueIn(packet, 2)), `${hex(a)} ${operation} ${hex(b)}`).toBe(hex(result))
        if (!isImmediate(bits, operation, b)) continue
        const byImmediate = runOnce(machine, arithmetic(bits, operation, b), frameOf(a))
        expect(hex(valueIn(byImmediate.packet, 2)), `${hex(a)} ${operation} immediate ${hex(b)}`).toBe(hex(result))
      }
    })
  })

  test.each(UNARY)('%s', (name, step, a, result) => {
    using machine = open()
    const { packet } = runOnce(machine, bodied('unary', [take('r3', 0), step, put(1, 'r3')]), frameOf(a))
    expect(hex(valueIn(packet, 1)), name).toBe(hex(result))
  })

  test.each(STORES)('a store of %s', (name, step, result) => {
    using machine = open()
    const body = [
      load64('r3', 0x1122334455667788n),
      store(8, 'r10', -8, -1),
      step,
      load(8, 'r4', 'r10', -8),
      put(0, 'r4'),
    ]
    const { packet } = runOnce(machine, bodied('stores', body, { stack: 8 }), frameOf())
    expect(hex(valueIn(packet, 0)), name).toBe(hex(result))
  })

  test.each(ATOMICS)(
    'an atomic operation on %i bytes: %s',
    (bytes, operation, was, r0, r3, memory, r0After, r3After) => {
      using machine = open()
      const body = [
        take('r4', 0),
        store(8, 'r10', -8, 'r4'),
        take('r0', 1),
        take('r3', 2),
        atomic(bytes, operation, 'r10', -8, 'r3'),
        load(8, 'r4', 'r10', -8),
        put(3, 'r4'),
        put(4, 'r0'),
        put(5, 'r3'),
      ]
      const { packet } = runOnce(machine, bodied('atomics', body, { stack: 8 }), frameOf(was, r0, r3))
      expect([3, 4, 5].map((i) => hex(valueIn(packet, i)))).toEqual([memory, r0After, r3After].map(hex))
    },
  )

  describe.each([64, 32] as const)('jumps on %i bits', (bits) => {
    test.each(Object.keys(CONDITIONS) as Condition[])('%s', (condition) => {
      using machine = open()
      const make = bits === 64 ? jump : jump32
      const program = (operand: 'r4' | number) =>
        bodied(condition, [
          take('r3', 0),
          take('r4', 1),
          mov('r5', 1),
          make(condition, 'r3', operand, 'taken'),
          mov('r5', 0),
          label('taken'),
          put(2, 'r5'),
        ])
      using byRegister = machine.load(program('r4'), {})
      for (const [a, b] of PAIRS) {
        const taken = CONDITIONS[condition](bits, a, b) ? 1n : 0n
        expect(valueIn(byRegister.run(frameOf(a, b)).packet, 2), `${hex(a)} ${condition} ${hex(b)}`).toBe(taken)
        if (bits === 64 && BigInt.asIntN(32, b) !== BigInt.asIntN(64, b)) continue
        const { packet } = runOnce(machine, program(Number(BigInt.asIntN(32, b))), frameOf(a))
        expect(valueIn(packet, 2), `${hex(a)} ${condition} immediate ${hex(b)}`).toBe(taken)
      }
    })
  })

  test.each([
    ['goto', goto],
    ['gotol', gotol],
  ] as const)('%s goes forwards and backwards, over wide instructions', (_, far) => {
    using machine = open()
    const program = assemble('far', 'tc', [
      mov('r0', 1),
      far('there'),
      label('back'),
      load64('r1', 0x100000002n),
      alu64('add', 'r0', 'r1'),
      exit,
      label('there'),
      alu64('add', 'r0', 40),
      far('back'),
    ])
    expect(runOnce(machine, program, frameOf()).verdict).toBe(43)
  })

  test('a loop with a bound', () => {
    using machine = open()
    const program = assemble('loop', 'tc', [
      mov('r0', 0),
      mov('r1', 10),
      label('again'),
      alu64('add', 'r0', 'r1'),
      alu64('sub', 'r1', 1),
      jump('jne', 'r1', 0, 'again'),
      exit,
    ])
    expect(runOnce(machine, program, frameOf()).verdict).toBe(55)
  })

  test('a loop that ends by itself before its budget is used up', ({ skip }) => {
    using machine = open()
    skip(!machine.hasBudgets, 'may_goto: not before Linux 6.9')
    const program = assemble('budget', 'tc', [
      load(4, 'r2', 'r1', SK_BUFF.len),
      mov('r0', 0),
      label('again'),
      mayGoto('out'),
      alu64('add', 'r0', 'r2'),
      alu64('sub', 'r2', 1),
      jump('jne', 'r2', 0, 'again'),
      exit,
      label('out'),
      verdict(7),
    ])
    expect(runOnce(machine, program, new Uint8Array(100)).verdict).toBe(5050)
  })

  test('a function of the same program has its own frame, and leaves r6 to r9 as they were', () => {
    using machine = open()
    const program = assemble(
      'calls',
      'tc',
      [
        mov('r6', 100),
        store(8, 'r10', -8, 7),
        mov('r1', 5),
        callLocal('twice'),
        load(8, 'r1', 'r10', -8),
        alu64('add', 'r0', 'r1'),
        alu64('add', 'r0', 'r6'),
        exit,
        label('twice'),
        mov('r6', 'r1'),
        store(8, 'r10', -8, 'r1'),
        callLocal('same'),
        load(8, 'r1', 'r10', -8),
        alu64('add', 'r0', 'r1'),
        exit,
        label('same'),
        mov('r0', 'r1'),
        mov('r6', 1000),
        exit,
      ],
      { stack: 8 },
    )
    // `same` gets r1 as `twice` got it: nothing changes r1 to r5 on the way into a function.
    expect(runOnce(machine, program, frameOf()).verdict).toBe(5 + 5 + 7 + 100)
  })

  test('the verdict is the lower half of r0', () => {
    using machine = open()
    const program = assemble('half', 'tc', [load64('r0', 0x1_0000_0007n), exit])
    expect(runOnce(machine, program, frameOf()).verdict).toBe(7)
    expect(runOnce(machine, assemble('next', 'tc', [verdict(0xffffffff)]), frameOf()).verdict).toBe(0xffffffff)
  })
}
