import { describe, expect, test } from 'vitest'
import {
  alu64,
  assemble,
  atomic,
  call,
  callLocal,
  exit,
  goto,
  jump,
  label,
  load,
  load64,
  loadAcquire,
  mayGoto,
  mov,
  type Register,
  type Step,
  store,
  storeRelease,
  swap,
} from '../backend/assemble.ts'
import { Refusal } from '../base/diagnostic.ts'
import { encode } from '../isa/encode.ts'
import { HELPER } from '../isa/opcodes.ts'
import type { Instruction } from '../isa/program.ts'
import { execute } from './execute.ts'
import { validate } from './validate.ts'

const bytesOf = (...steps: readonly Step[]): Uint8Array => encode(assemble('test', 'tc', steps).instructions)
const run = (memory: readonly number[], ...steps: readonly Step[]): bigint =>
  execute(bytesOf(...steps), Uint8Array.from(memory))

describe('what a program finds', () => {
  test('its memory in r1 and r2', () => {
    expect(run([1, 2, 3, 4], load(4, 'r0', 'r1', 0), alu64('lsh', 'r0', 8), alu64('or', 'r0', 'r2'), exit)).toBe(
      0x0403020104n,
    )
  })

  test('no memory: 0 and 0', () => {
    expect(run([], mov('r0', 'r1'), alu64('or', 'r0', 'r2'), exit)).toBe(0n)
  })

  test('a stack of zeros, aligned or not', () => {
    expect(run([], load(8, 'r0', 'r10', -511), exit)).toBe(0n)
    expect(run([], store(1, 'r10', -512, 7), load(2, 'r0', 'r10', -512), exit)).toBe(7n)
  })

  test('zeros also where a function before had its own', () => {
    const f = [label('f'), load(8, 'r0', 'r10', -8), store(8, 'r10', -8, -1), exit]
    expect(run([], callLocal('f'), callLocal('f'), exit, ...f)).toBe(0n)
  })

  test('the memory, to change it, atomically too', () => {
    const memory = Uint8Array.from([1, 0, 0, 0])
    execute(bytesOf(mov('r3', 41), atomic(4, 'fetch_add', 'r1', 0, 'r3'), mov('r0', 'r3'), exit), memory)
    expect([...memory]).toEqual([42, 0, 0, 0])
  })

  test.each([
    [1, 0x88n, '1122334455667788', '1122334455667799'],
    [2, 0x7788n, '1122334455667788', '112233445566aa99'],
    [4, 0x55667788n, '1122334455667788', '11223344ccbbaa99'],
    [8, 0x1122334455667788n, '1122334455667788', 'ffeeddccccbbaa99'],
  ] as const)('the memory in order: %i bytes', (bytes, loaded, before, after) => {
    const memory = Uint8Array.from(Buffer.from(before, 'hex').reverse())
    const stored = load64('r3', 0xffeeddccccbbaa99n)
    const given = bytesOf(
      mov('r0', -1),
      loadAcquire(bytes, 'r0', 'r1', 0),
      stored,
      storeRelease(bytes, 'r1', 0, 'r3'),
      exit,
    )
    expect(execute(given, memory)).toBe(loaded)
    expect(Buffer.from(memory.reverse()).toString('hex')).toBe(after)
    expect(() => execute(bytesOf(loadAcquire(bytes, 'r10', 'r1', 0), exit), memory)).toThrow(Refusal)
  })

  test('helpers that need nothing', () => {
    expect(run([], call('get_smp_processor_id'), exit)).toBe(0n)
    expect(run([], call('ktime_get_ns'), exit)).toBeGreaterThan(0xffffffffn)
  })
})

test('all 64 bits of r0 are returned, without a sign', () => {
  expect(run([], mov('r0', -2), exit)).toBe(0xfffffffffffffffen)
})

describe('what the standard allows and the kernel does not', () => {
  test('a division by the constant 0', () => {
    expect(run([], mov('r0', 5), alu64('div', 'r0', 0), exit)).toBe(0n)
    expect(run([], mov('r0', 5), alu64('smod', 'r0', 0), exit)).toBe(5n)
  })

  test('a shift by more than there is', () => {
    expect(run([], mov('r0', 1), alu64('lsh', 'r0', 65), exit)).toBe(2n)
  })

  test('what is never reached', () => {
    expect(run([], mov('r0', 1), exit, mov('r0', 2))).toBe(1n)
  })
})

test('a long loop runs, and an endless one ends', () => {
  const rounds = [mov('r0', 0), label('again'), alu64('add', 'r0', 1), jump('jlt', 'r0', 20_000_000, 'again'), exit]
  expect(run([], ...rounds)).toBe(20_000_000n)
  expect(() => run([], label('again'), goto('again'))).toThrow(/instruction 0 \(goto -1\).*without an end/)
  expect(() => run([], label('again'), call('ktime_get_ns'), goto('again'))).toThrow(/instruction 0 .*without an end/)
})

test('a budget of rounds is never used up', () => {
  const round = [label('again'), mayGoto('out'), alu64('add', 'r0', 1), jump('jlt', 'r0', 9_000_000, 'again'), exit]
  expect(run([], mov('r0', 0), ...round, label('out'), mov('r0', 1), exit)).toBe(9_000_000n)
  const endless = [label('again'), mayGoto('out'), goto('again'), label('out'), mov('r0', 1), exit]
  expect(() => run([], ...endless)).toThrow(/without an end/)
})

const raw = (instruction: Partial<Instruction>): Instruction => ({
  opcode: 0,
  dst: 0,
  src: 0,
  offset: 0,
  imm: 0,
  ...instruction,
})

const callx = (register: Register): Instruction => raw({ opcode: 0x8d, dst: Number(register.slice(1)) })

test('a helper is called by its number in a register, and a packet program may not', () => {
  const steps = [mov('r9', HELPER.ktime_get_ns), callx('r9'), exit]
  expect(run([], ...steps)).toBe(run([], call('ktime_get_ns'), exit))
  expect(() => validate(assemble('test', 'tc', steps))).toThrow(/opcode 0x8d is not an instruction/)
})

test.each<[what: string, steps: readonly Step[], says: RegExp]>([
  ['nothing', [], /has 0 instructions/],
  [
    'a read behind the memory',
    [load(4, 'r0', 'r1', 1), exit],
    /instruction 0 \(r0 = \*\(u32 \*\)\(r1 \+1\)\): .*memory\+1/,
  ],
  ['a write before the memory', [store(1, 'r1', -1, 0), exit], /instruction 0 .*memory-1/],
  ['a read above the stack', [load(1, 'r0', 'r10', 0), exit], /stack\+0/],
  ['a write below the stack', [store(8, 'r10', -513, 0), exit], /stack-513/],
  ['a read through a number', [load64('r2', 1n << 40n), load(1, 'r0', 'r2', 0), exit], /instruction 2 /],
  ['functions without an end', [label('f'), callLocal('f'), exit], /nested more than 8 deep/],
  ['a helper that works on packets', [call('redirect'), exit], /instruction 0 .*redirect works on packets or maps/],
  ['a helper that does not exist', [raw({ opcode: 0x85, imm: 4242 }), exit], /there is no helper 4242/],
  [
    'a helper that does not exist, by a register',
    [mov('r2', 4242), callx('r2'), exit],
    /instruction 1 .*there is no helper 4242/,
  ],
  ['a helper by more than 32 bits', [load64('r2', (1n << 32n) | 5n), callx('r2'), exit], /there is no helper/],
  ['a helper by a register and a number', [raw({ opcode: 0x8d, imm: 5 }), exit], /does not use is not zero/],
  ['a helper by its BTF', [raw({ opcode: 0x85, src: 2 }), exit], /a call of kind 2/],
  ['legacy packet access', [raw({ opcode: 0x28 }), exit], /legacy packet access/],
  ['a map', [raw({ opcode: 0x18, src: 1 }), exit], /a map is referred to by its name/],
  ['a swap of 8 bits', [{ ...raw({}), ...swap('be', 16, 'r0'), imm: 8 } as Step, exit], /a byte swap of 8 bits/],
  ['a jump out of what is never reached', [exit, goto('far'), label('far')], /instruction 1 .*goes to 2.*outside/],
])('refuses %s', (_, steps, says) => {
  const attempt = () => run([1, 2, 3, 4], ...steps)
  expect(attempt).toThrow(Refusal)
  expect(attempt).toThrow(says)
})

test.each([
  ['half an instruction', [0xb7, 0, 0, 0], /4 bytes are not a program/],
  ['half a wide instruction', [0x18, 0, 0, 0, 0, 0, 0, 0], /instruction 0 .*second half is missing/],
  [
    'a wide instruction with more behind',
    [0x18, 0, 0, 0, 0, 0, 0, 0, 0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0],
    /instruction 0 .*second half is more/,
  ],
])('refuses %s', (_, bytes, says) => {
  expect(() => execute(Uint8Array.from(bytes), new Uint8Array())).toThrow(says)
})

describe('programs that are long', () => {
  const repeated = (count: number, offset: (i: number) => number): Uint8Array => {
    const bytes = new Uint8Array(8 * (count + 1))
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < count; i++) {
      bytes[8 * i] = 0x15
      view.setInt16(8 * i + 2, offset(i), true)
    }
    bytes[8 * count] = 0x95
    return bytes
  }

  test('of many branches', () => {
    const program = repeated(150_000, (i) => (i === 149_999 ? 0 : 1))
    expect(execute(program, new Uint8Array())).toBe(0n)
  })

  test('of more branches into loops than WebAssembly takes', () => {
    const to = (i: number) => (i % 2 === 0 ? Math.min(99, 69_999 - i) : -Math.min(98, i))
    expect(() => execute(repeated(70_000, to), new Uint8Array(), 1000)).toThrow(/too much/)
  })
})
