import { describe, expect, test } from 'vitest'
import {
  alu64,
  assemble,
  atomic,
  call,
  callLocal,
  exit,
  goto,
  label,
  load,
  loadMap,
  mov,
  type Step,
  store,
  verdict,
} from '../backend/assemble.ts'
import { closing, frameOf, opening } from '../backend/suite/frame.ts'
import { mapOf } from '../backend/suite/layouts.ts'
import { SK_BUFF } from '../isa/opcodes.ts'
import { Fault } from './fault.ts'
import { openVirtualMachine } from './machine.ts'

const MAP = mapOf('array', 4)

const lookup: Step = [
  store(4, 'r10', -4, 1),
  mov('r2', 'r10'),
  { opcode: 0x07, dst: 2, src: 0, offset: 0, imm: -4 },
  loadMap('r1', 'map'),
  call('map_lookup_elem'),
]

/** What the kernel's verifier would not have loaded, and what the machine says when it happens. */
const FAULTS: readonly (readonly [what: string, steps: readonly Step[], message: RegExp])[] = [
  [
    'a read behind the packet',
    [opening('tc', 20), load(4, 'r0', 'r7', 78), exit, closing],
    /reads 4 bytes at packet\+78, but the packet has 80/,
  ],
  ['a read before the packet', [opening('tc', 20), load(1, 'r0', 'r7', -1), exit, closing], /reads 1 byte at packet-1/],
  [
    'a write behind the packet',
    [opening('tc', 20), store(1, 'r7', 80, 0), verdict(0), closing],
    /writes 1 byte at packet\+80/,
  ],
  ['a read through null', [mov('r1', 0), load(4, 'r0', 'r1', 8), exit], /reads 4 bytes at address 8: a null pointer/],
  ['a read through a number', [mov('r1', -1), load(1, 'r0', 'r1', 0), exit], /where there is no memory/],
  ['a read above the stack', [load(8, 'r0', 'r10', 0), exit], /reads 8 bytes at stack\+0, but the stack has 512/],
  ['a write below the stack', [store(8, 'r10', -520, 0), verdict(0)], /writes 8 bytes at stack-520/],
  ['a read of stack never written', [load(8, 'r0', 'r10', -8), exit], /at stack-8, not all of which were written/],
  [
    'a read of stack half written',
    [store(4, 'r10', -8, 0), load(8, 'r0', 'r10', -8), exit],
    /not all of which were written/,
  ],
  ['a misaligned read of the stack', [store(8, 'r10', -8, 0), load(4, 'r0', 'r10', -6), exit], /no multiple of 4/],
  [
    'a key never written',
    [
      mov('r2', 'r10'),
      { opcode: 0x07, dst: 2, src: 0, offset: 0, imm: -4 },
      loadMap('r1', 'map'),
      call('map_lookup_elem'),
      exit,
    ],
    /not all of which were written/,
  ],
  [
    'a read behind a map value',
    [lookup, load(1, 'r0', 'r0', 8), exit],
    /reads 1 byte at byte 8 of values of map "map", which have 8 bytes each/,
  ],
  [
    'a read across two map values',
    [lookup, load(8, 'r0', 'r0', 4), exit],
    /at byte 4 of values of map "map", which have 8 bytes each/,
  ],
  [
    'a read of the next map value',
    [lookup, load(8, 'r0', 'r0', 16), exit],
    /reads 8 bytes at byte 16 of values of map/,
  ],
  [
    'a write to the map value before',
    [lookup, store(8, 'r0', -16, 1), verdict(0)],
    /writes 8 bytes at byte -16 of values/,
  ],
  [
    'an atomic operation on the map value after the next, by a pointer that was moved',
    [
      lookup,
      load(8, 'r3', 'r0', 0),
      alu64('add', 'r3', 32),
      alu64('add', 'r0', 'r3'),
      atomic(8, 'add', 'r0', 0, 'r3'),
      verdict(0),
    ],
    /reads 8 bytes at byte 32 of values of map/,
  ],
  [
    'a key in the next map value',
    [lookup, mov('r2', 'r0'), alu64('add', 'r2', 16), loadMap('r1', 'map'), call('map_lookup_elem'), exit],
    /takes as the key 4 bytes at byte 16/,
  ],
  ['a read behind the last map value', [lookup, load(8, 'r0', 'r0', 48), exit], /reads 8 bytes at values of map "map"/],
  [
    'a read of a map itself',
    [loadMap('r1', 'map'), load(8, 'r0', 'r1', 0), exit],
    /which is a map and not one of its values/,
  ],
  ['a helper that gets no map', [mov('r2', 'r10'), call('map_lookup_elem'), exit], /r1 is not a map/],
  ['a read behind the context', [load(4, 'r0', 'r1', 192), exit], /reads 4 bytes at context\+192/],
  ['a write to a read-only field', [store(4, 'r1', SK_BUFF.len, 'r1'), verdict(0)], /read-only field/],
  ['an 8-byte read of a context field', [load(8, 'r0', 'r1', SK_BUFF.mark), exit], /not 8 bytes wide/],
  [
    'an atomic operation on the packet',
    [opening('tc'), mov('r1', 1), atomic(8, 'add', 'r7', 16, 'r1'), verdict(0), closing],
    /only the stack and map values/,
  ],
  [
    'an atomic operation that is not aligned',
    [lookup, mov('r1', 1), atomic(4, 'add', 'r0', 2, 'r1'), verdict(0)],
    /no multiple of 4/,
  ],
  ['no end', [mov('r0', 0), label('again'), goto('again')], /ran 1000 instructions without an end/],
  ['calls without an end', [label('deeper'), callLocal('deeper'), exit], /nested more than 8 deep/],
  [
    'a packet pointer from before clone_redirect',
    [
      opening('tc'),
      mov('r1', 'r6'),
      mov('r2', 1),
      mov('r3', 0),
      call('clone_redirect'),
      load(1, 'r0', 'r7', 0),
      exit,
      closing,
    ],
    /by a packet pointer from before the packet moved/,
  ],
  [
    'the stack of a function that has returned',
    [callLocal('frame'), load(8, 'r0', 'r0', -8), exit, label('frame'), store(8, 'r10', -8, 1), mov('r0', 'r10'), exit],
    /the stack of a function that has returned/,
  ],
  [
    'a register that a helper clobbered',
    [mov('r6', 'r1'), mov('r3', 'r1'), call('ktime_get_ns'), load(4, 'r0', 'r3', 0), exit],
    /where there is no memory/,
  ],
]

describe('a program faults at', () => {
  test.each(FAULTS)('%s', (_, steps, message) => {
    using machine = openVirtualMachine({ budget: 1000 })
    using map = machine.createMap('map', MAP)
    using program = machine.load(assemble('wrong', 'tc', steps, { maps: { map: MAP } }), { map })
    expect(() => program.run(frameOf())).toThrow(message)
    expect(() => program.run(frameOf())).toThrow(Fault)
    using right = machine.load(assemble('right', 'tc', [opening('tc'), verdict(3), closing]), {})
    expect(right.run(frameOf()).verdict).toBe(3)
  })

  test('an instruction with a number, its text, and the line it came from', () => {
    using machine = openVirtualMachine()
    const lines = [{ file: 'dataplane.ts', line: 7, column: 3, text: '  return station.port' }]
    const program = assemble('bridge', 'tc', [
      { opcode: 0x18, dst: 1, src: 0, offset: 0, imm: 0 },
      load(4, 'r0', 'r1', 4),
      exit,
    ])
    const instructions = program.instructions.map((instruction, i) =>
      i === 1 ? { ...instruction, line: 0 } : instruction,
    )
    using loaded = machine.load({ ...program, instructions, lines }, {})
    let fault: unknown
    try {
      loaded.run(frameOf())
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(Fault)
    expect(fault).toMatchObject({ instruction: 2 })
    expect(String(fault)).toBe(
      [
        'Fault: dataplane.ts:7:3: program "bridge", instruction 2 (r0 = *(u32 *)(r1 +4)): ' +
          'reads 4 bytes at address 4: a null pointer, or a number that is no pointer',
        '  7 |   return station.port',
        '    |   ^^^^^^^^^^^^^^^^^^^',
      ].join('\n'),
    )
  })
})

test('a refusal at load names every mistake, with its instruction', () => {
  using machine = openVirtualMachine()
  const program = assemble('wrong', 'tc', [
    { opcode: 0x18, dst: 1, src: 0, offset: 0, imm: 0 },
    mov('r10', 0),
    { opcode: 0xff, dst: 0, src: 0, offset: 0, imm: 0 },
    exit,
  ])
  expect(() => machine.load(program, {})).toThrow(
    [
      'program "wrong", instruction 2 (r10 = 0): r10, the frame pointer, cannot be written',
      '',
      'program "wrong", instruction 3: opcode 0xff is not an instruction',
    ].join('\n'),
  )
})
