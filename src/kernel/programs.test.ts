import { execFileSync } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import type { MachineMap } from '../backend/machine.ts'
import { Refusal } from '../base/diagnostic.ts'
import { TC_ACT } from '../isa/opcodes.ts'
import type { MapDescription, Program } from '../isa/program.ts'
import { ERRNO } from './errno.ts'
import { asm, bytes32, bytes64, describeKernel, frame, program, returning, u32, u64 } from './fixtures.ts'
import { openKernelMachine } from './machine.ts'
import { KernelMap } from './maps.ts'
import { isAboutBtf, KernelProgram, rejection } from './programs.ts'

const counters: MapDescription = { kind: 'array', key: u32, value: u64, entries: 2 }

/** Adds one to `counters[1]` in the way every kernel knows, and drops. */
const counting = program(
  [
    asm.store32(10, -4, 1),
    asm.movReg(2, 10),
    asm.add(2, -4),
    asm.map(1, 'counters'),
    asm.call('map_lookup_elem'),
    asm.jumpIfZero(0, 2),
    asm.mov(1, 1),
    asm.atomicAdd(0, 1),
    asm.mov(0, TC_ACT.shot),
    asm.exit,
  ],
  { name: 'counting', maps: { counters } },
)

const total: MapDescription = { ...counters, entries: 1 }

/** The same by the address of the value, which only arrays of one entry have (kernel/bpf/arraymap.c). */
const direct = program(
  [asm.mapValue(2, 'total', 0), asm.mov(1, 1), asm.atomicAdd(2, 1), asm.mov(0, TC_ACT.ok), asm.exit],
  { name: 'direct', maps: { total } },
)

describeKernel('programs in the kernel', () => {
  const open: Disposable[] = []
  const keep = <T extends Disposable>(object: T): T => {
    open.push(object)
    return object
  }
  const load = (source: Program, maps: Record<string, MachineMap> = {}) => keep(KernelProgram.load(source, maps))

  afterEach(() => {
    for (const object of open.splice(0)) object[Symbol.dispose]()
  })

  test.each([
    { verdict: TC_ACT.ok, expected: 0 },
    { verdict: TC_ACT.shot, expected: 2 },
    { verdict: -1, expected: 0xffff_ffff },
  ])('a run returns the verdict $expected and the packet', ({ verdict, expected }) => {
    expect(load(returning(verdict)).run(frame(7))).toEqual({ verdict: expected, packet: frame(7) })
  })

  test.each([14, 60, 1514])('a packet of %i bytes runs', (length) => {
    expect(load(returning(0)).run(frame(1, length)).packet).toHaveLength(length)
  })

  test('a packet without an Ethernet header is refused', () => {
    expect(() => load(returning(0)).run(new Uint8Array(13))).toThrow(/13 bytes: EINVAL .*\n.*14 bytes of an Ethernet/)
  })

  test('an XDP program runs', () => {
    expect(load(program([asm.mov(0, 2), asm.exit], { hook: 'xdp' })).run(frame(1)).verdict).toBe(2)
  })

  test.each([
    { what: 'a lookup', source: counting, name: 'counters', index: 1 },
    { what: 'the address of the value', source: direct, name: 'total', index: 0 },
  ])('a program counts in its map by $what', ({ source, name, index }) => {
    const map = keep(KernelMap.create(name, source.maps[name]!))
    const loaded = load(source, { [name]: map })
    for (let i = 0; i < 3; i++) loaded.run(frame(1))
    expect(map.lookup(bytes32(index))).toEqual(bytes64(3n))
  })

  test('functions of the same program have BTF of their own', () => {
    const source = program([asm.callLocal(1), asm.exit, asm.mov(0, 5), asm.exit])
    const loaded = load(source)
    expect(loaded.run(frame(1)).verdict).toBe(5)
    expect(dump(loaded)).toMatch(/example_1/)
  })

  test('bpftool shows the lines of TypeScript', () => {
    const map = keep(KernelMap.create('counters', counters))
    const text = dump(load(counting, { counters: map }))
    expect(text).toContain('; statement1() [file:src/cubes/example/dataplane.ts line_num:1 line_col:3]')
    expect(text).toContain('; statement9() [file:src/cubes/example/dataplane.ts line_num:9 line_col:3]')
  })

  test('a function that is refused where it is verified by itself is not loaded without BTF', () => {
    const source = program([
      asm.movReg(1, 10),
      asm.store32(10, -4, 7),
      asm.callLocal(1),
      asm.exit,
      asm.load32(0, 1, -4),
      asm.exit,
    ])
    expect(load(source).run(frame(1)).verdict).toBe(7)
    const global = { ...source, functions: [{ slot: 4, name: 'inner', parameters: ['u64'] as const }] }
    expect(() => load(global)).toThrow(/the kernel refuses "example"/)
  })

  test('a program without lines loads', () => {
    const instructions = returning(4).instructions.map(({ line: _, ...instruction }) => instruction)
    expect(load({ ...returning(4), instructions, lines: [] }).run(frame(1)).verdict).toBe(4)
  })

  test('a program of a name that the kernel would refuse loads', () => {
    expect(load(returning(0, 'office/switch: a name with much in it')).run(frame(1)).verdict).toBe(0)
    expect(load(returning(0, '')).run(frame(1)).verdict).toBe(0)
  })

  test.each([
    {
      what: 'a value that was never set',
      source: program([asm.mov(1, 0), asm.movReg(0, 3), asm.exit]),
      line: 2,
      says: /R3 !read_ok/,
    },
    {
      what: 'a packet read without a bounds check',
      source: program([asm.load32(2, 1, 76), asm.load32(0, 2, 0), asm.exit]),
      line: 2,
      says: /invalid access to packet/,
    },
    {
      what: 'a lookup used without a check, behind a wide instruction',
      source: program(
        [
          asm.store32(10, -4, 1),
          asm.movReg(2, 10),
          asm.add(2, -4),
          asm.map(1, 'stations'),
          asm.call('map_lookup_elem'),
          asm.load64(0, 0, 0),
          asm.exit,
        ],
        { maps: { stations: { ...counters, kind: 'hash' } } },
      ),
      line: 6,
      says: /map_value_or_null/,
    },
  ])('$what: the refusal names the line and keeps the log', ({ source, line, says }) => {
    const maps = Object.entries(source.maps).map(([name, map]) => [name, keep(KernelMap.create(name, map))])
    const error = refusalOf(() => load(source, Object.fromEntries(maps)))
    const [diagnostic] = error.diagnostics
    expect(diagnostic?.message).toMatch(says)
    expect(diagnostic?.message).toMatch(/the kernel refuses "example" \(E(INVAL|ACCES)\)/)
    expect(diagnostic?.place).toMatchObject({ file: 'src/cubes/example/dataplane.ts', line, column: 3 })
    expect(diagnostic?.remedy).toMatch(/this is a bug in Tessera/)
    expect(diagnostic?.remedy).toMatch(says)
  })

  test('a refusal of the whole program names no line', () => {
    const [diagnostic] = refusalOf(() => load(program([asm.mov(0, 0)]))).diagnostics
    expect(diagnostic?.message).toMatch(/last insn is not an exit/)
    expect(diagnostic?.place).toBeUndefined()
  })

  test('a log longer than the first buffer still ends with the reason', () => {
    const many = Array.from({ length: 4000 }, (_, i) => asm.mov(1, i))
    const error = refusalOf(() => load(program([...many, asm.movReg(0, 3), asm.exit])))
    expect(error.diagnostics[0]?.message).toMatch(/R3 !read_ok/)
    expect(error.diagnostics[0]?.place?.line).toBe(4001)
    expect(error.diagnostics[0]?.remedy).toMatch(/\(\d+ lines omitted\)/)
    expect(error.diagnostics[0]?.remedy?.split('\n').length).toBeLessThan(30)
  })

  test.each([
    { what: 'no map', maps: () => ({}), says: /no map was given for "counters"/ },
    {
      what: 'a map of another shape',
      maps: () => ({ counters: keep(KernelMap.create('other', { ...counters, entries: 3 })) }),
      says: /the map given for "counters" has another kind or other sizes/,
    },
  ])('$what for a reference is refused', ({ maps, says }) => {
    expect(() => load(counting, maps())).toThrow(says)
  })

  test('a map of another machine is refused', () => {
    const machine = keep(openKernelMachine())
    const map = { ...machine.createMap('counters', counters), description: counters } as unknown as MachineMap
    expect(() => machine.load(counting, { counters: map })).toThrow(/is not one of the kernel/)
  })
})

test.each([
  {
    kernel: '6.1',
    log: 'R1=ctx(off=0,imm=0) R10=fp0\n; statement2()\n1: (bf) r0 = r3\nR3 !read_ok\nprocessed 2 insns (limit 1000000)',
    line: 2,
  },
  {
    kernel: '6.18',
    log: '0: R1=ctx() R10=fp0\n; statement1() @ dataplane.ts:1\n0: (b7) r1 = 0\n1: (bf) r0 = r3\nR3 !read_ok\nprocessed 2 insns',
    line: 2,
  },
  { kernel: 'any', log: 'jump out of range from insn 0 to 9', line: 1 },
  { kernel: 'none', log: 'something new without a number', line: undefined },
])('a log of Linux $kernel leads to line $line', ({ log, line }) => {
  const { place, message } =
    rejection(program([asm.mov(1, 0), asm.movReg(0, 3), asm.exit]), 13, log).diagnostics[0] ?? {}
  expect(place?.line).toBe(line)
  expect(message).not.toMatch(/processed/)
})

test.each([
  { log: "number of funcs in func_info doesn't match number of subprogs", errno: ERRNO.EINVAL, expected: true },
  {
    log: 'Invalid line_info[3].insn_off:7 (prev_offset:7 prog->len:9)\nprocessed 0 insns',
    errno: ERRNO.EINVAL,
    expected: true,
  },
  { log: '', errno: ERRNO.E2BIG, expected: true },
  { log: '', errno: ERRNO.EPERM, expected: false },
  { log: '; const BTF = 1\n0: (bf) r0 = r3\nR3 !read_ok\nprocessed 1 insns', errno: ERRNO.EACCES, expected: false },
])('whether $errno with "$log" is about BTF: $expected', ({ log, errno, expected }) => {
  expect(isAboutBtf(-errno, log)).toBe(expected)
})

function refusalOf(run: () => unknown): Refusal {
  try {
    run()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('it was not refused')
}

const dump = (loaded: KernelProgram): string =>
  execFileSync('bpftool', ['prog', 'dump', 'xlated', 'id', String(loaded.id), 'linum'], { encoding: 'utf8' })
