import { refusal } from '../../base/diagnostic.ts'
import { HELPER, SK_BUFF, XDP_MD } from '../../isa/opcodes.ts'
import { isArray, isDevmap, isKeyless, isProgramArray, type MapDescription, type Program } from '../../isa/program.ts'
import { AT, DESCRIPTOR } from '../layout.ts'
import { REGION, REGION_BITS, REGION_MASK, SLOT_MASK } from '../memory.ts'
import { analyse } from './analysis.ts'
import { inheritedBy } from './calls.ts'
import { writeFunction } from './function.ts'
import { I32, I64, KIND, OP, SECTION, TYPE, type ValueType } from './opcodes.ts'
import { opened, openNumbers, reaches } from './open.ts'
import { inOrder } from './ordered.ts'
import { MODE, modeOf, type Numbers, type Scope } from './scope.ts'
import { ASK } from './table.ts'
import { Body, ModuleWriter, type Writer } from './writer.ts'

/** A program as WebAssembly. It fits every machine: what differs between them is imported. */
export interface Translation {
  readonly bytes: Uint8Array
  /** Whether bits of what was written to the stack are kept. */
  readonly isTracked: boolean
  /** Whether it does for a program that differs only in open numbers. */
  readonly isFor: (other: Program) => boolean
}

/** Names of imports, all of the module `tessera`. Maps are numbered in the order of {@link Program.maps}. */
export const IMPORT = {
  memory: 'memory',
  /** Of functions that are asked: `fail`, `access`, `helper` ({@link Numbers}), and the lookups of maps that have one, in their order. */
  table: 'table',
  descriptor: (map: number): string => `descriptor ${map}`,
  open: (number: number): string => `open ${number}`,
} as const

/** In the table. */
const PLACES = { fail: 0, access: 1, helper: 2 } as const
const FIRST_FIND = Object.keys(PLACES).length

/** Longer functions no engine takes (V8, kV8MaxWasmFunctionSize). */
const LONGEST_FUNCTION = 7_654_321

/** Helpers after which the packet is certainly where it was. */
const STILL: ReadonlySet<number> = new Set([
  HELPER.map_lookup_elem,
  HELPER.map_update_elem,
  HELPER.map_delete_elem,
  HELPER.ktime_get_ns,
  HELPER.get_prandom_u32,
  HELPER.get_smp_processor_id,
  HELPER.redirect,
  HELPER.skb_load_bytes,
  HELPER.csum_update,
  HELPER.redirect_map,
  HELPER.map_push_elem,
  HELPER.map_pop_elem,
  HELPER.map_peek_elem,
  HELPER.spin_lock,
  HELPER.spin_unlock,
  HELPER.ringbuf_output,
  HELPER.ringbuf_reserve,
  HELPER.ringbuf_submit,
  HELPER.xdp_load_bytes,
])

/** Whether a lookup in such a map is a function that the machine gives. */
export const isFound = ({ kind }: MapDescription): boolean =>
  !isArray(kind) && !isKeyless(kind) && !isDevmap(kind) && !isProgramArray(kind) && kind !== 'array_of_maps'

const { i32, i64 } = TYPE
/** Types of functions: parameters and results. */
const SIGNATURES = {
  /** The first one, of everything in the table. What is not needed is 0. */
  ask: ASK,
  function: [[i64, i64, i64, i64, i64, i32], [i64]],
  run: [[], [i32]],
  reach: [[i64, i32, i32, i32], [i32]],
  word: [[i64, i32, i32], [i64]],
} as const satisfies Record<string, readonly [readonly ValueType[], readonly ValueType[]]>

type Signature = keyof typeof SIGNATURES
const typeOf = (signature: Signature): number => Object.keys(SIGNATURES).indexOf(signature)

/** `isPlain`: the program has no context; r1 and r2 are where helpers find them, and its stacks are zeros at first. */
export function translate(given: Program, isPlain: boolean): Translation {
  const program = opened(inOrder(given))
  const analysis = analyse(program, isPlain)
  const maps = Object.values(program.maps)
  const finds = new Map<number, number>()
  for (const [map, description] of maps.entries()) if (isFound(description)) finds.set(map, FIRST_FIND + finds.size)
  const { functions } = analysis
  const reach = functions.length
  const numbers: Numbers = {
    ...PLACES,
    reach,
    word: reach + 1,
    functions: new Map(functions.map(({ entry }, number) => [entry, number])),
    inherited: analysis.code.inherited,
    descriptor: (map) => map,
    open: (number) => maps.length + number,
    find: (map) => finds.get(map),
  }
  const helpers = new Set(program.instructions.map(({ opcode, src, imm }) => (opcode === 0x85 && src === 0 ? imm : 0)))
  const reached: Scope['reached'] = new Map()
  const setting = {
    program,
    reached,
    analysis,
    numbers,
    isPlain,
    movesPacket: [...helpers].some((helper) => helper !== 0 && !STILL.has(Number(helper))),
    hasLocks: helpers.has(HELPER.spin_lock),
  }
  const bodies = functions.map((shape) => writeFunction(setting, shape))
  for (const { length } of bodies)
    if (length > LONGEST_FUNCTION)
      throw refusal(
        `program "${program.name}" has ${program.instructions.length} instructions: a function of it is too long for WebAssembly`,
        'divide it into functions that call each other',
      )
  const signatures: Signature[] = [...functions.map(() => 'function' as const), 'reach', 'word', 'run']
  bodies.push(writeReach(numbers), writeWord(numbers, program), writeRun(numbers, isPlain))
  return {
    bytes: assemble(
      FIRST_FIND + finds.size,
      { maps: maps.length, open: openNumbers(program).length },
      signatures,
      bodies,
    ),
    isTracked: analysis.isTracked,
    isFor: (other) => reaches(program, other, reached),
  }
}

function assemble(
  asked: number,
  globals: { readonly maps: number; readonly open: number },
  signatures: readonly Signature[],
  bodies: readonly Uint8Array[],
): Uint8Array {
  const module = new ModuleWriter().types(Object.values(SIGNATURES))
  module.section(SECTION.import, [
    (writer) => writer.name('tessera').name(IMPORT.table).byte(KIND.table).byte(TYPE.function).byte(0).unsigned(asked),
    // At least one page, at most 4 GiB.
    (writer) => writer.name('tessera').name(IMPORT.memory).byte(KIND.memory).byte(1).unsigned(1).unsigned(65_536),
    ...importedGlobals(globals).map(([name, type]) => (writer: Writer) => {
      writer.name('tessera').name(name).byte(KIND.global).byte(type).byte(0)
    }),
  ])
  module.section(
    SECTION.function,
    signatures.map((signature) => (writer) => writer.unsigned(typeOf(signature))),
  )
  const run = signatures.length - 1
  module.section(SECTION.export, [(writer) => writer.name('run').byte(KIND.function).unsigned(run)])
  module.section(
    SECTION.code,
    bodies.map((body) => (writer) => writer.sized(body)),
  )
  return module.finish()
}

/** In the order of their numbers. */
const importedGlobals = ({ maps, open }: { readonly maps: number; readonly open: number }) => [
  ...Array.from({ length: maps }, (_, map) => [IMPORT.descriptor(map), i32] as const),
  ...Array.from({ length: open }, (_, number) => [IMPORT.open(number), i64] as const),
]

/** Runs the program: r0 is left where results of helpers are, and its lower half is given. */
function writeRun(numbers: Numbers, isPlain: boolean): Uint8Array {
  const body = new Body(0)
  for (const register of inheritedBy(numbers, 0))
    body
      .i32(0)
      .i64(0)
      .access(I64.store, AT.registers + 8 * register)
  body.i32(0)
  if (isPlain) {
    for (const register of [1, 2]) body.i32(0).access(I64.load, AT.registers + 8 * register)
    body.i64(0)
  } else
    body
      .big(BigInt(REGION.context) << 32n)
      .i64(0)
      .i64(0)
  body
    .i64(0)
    .i64(0)
    .i32(0)
    .call(numbers.functions.get(0) ?? 0)
    .access(I64.store, AT.registers)
  body.i32(0).access(I32.load, AT.registers)
  return body.finish()
}

/**
 * Where an access goes of which nothing is known, by the table of regions. Bytes of a region that are there for everybody, and
 * those of one map value, are found here; all else is asked for.
 */
function writeReach({ access }: Numbers): Uint8Array {
  const [pointer, displacement, mode, index] = [0, 1, 2, 3]
  const body = new Body(4)
  const [region, descriptor, size, slot] = [body.local(i32), body.local(i32), body.local(i32), body.local(i32)]
  const offset = body.local(i64)
  const giveUpIf = (...condition: readonly number[]) => body.op(...condition, OP.brIf).unsigned(0)
  body.op(OP.block, TYPE.none)
  // Atomic operations and keys are asked for: they have rules of their own.
  body.get(mode).i32(2).op(I32.and)
  giveUpIf()
  body.get(pointer).i64(32).op(I64.shrU, OP.i32WrapI64).i32(REGION_MASK).op(I32.and).tee(region)
  body.i32(0).access(I32.load, AT.regionCount)
  giveUpIf(I32.geU)
  body.i32(0).access(I32.load, AT.regions).get(region).i32(2).op(I32.shl, I32.add)
  body.access(I32.load).set(descriptor)
  body.get(mode).i32(2).op(I32.shrU).set(size)
  body.get(pointer).op(OP.i32WrapI64, OP.i64ExtendI32U).get(displacement).op(OP.i64ExtendI32S, I64.add).tee(offset)
  body.get(descriptor).access(I64.load32U, DESCRIPTOR.length)
  giveUpIf(I64.gtU)
  body.get(offset).get(size).op(OP.i64ExtendI32U, I64.add).get(descriptor).access(I64.load32U, DESCRIPTOR.length)
  giveUpIf(I64.gtU)
  body.get(descriptor).access(I32.load, DESCRIPTOR.stride).op(OP.if, TYPE.i32)
  body.get(offset).op(OP.i32WrapI64).get(offset).op(OP.i32WrapI64).get(descriptor).access(I32.load, DESCRIPTOR.stride)
  body.op(I32.divU).tee(slot).get(descriptor).access(I32.load, DESCRIPTOR.stride).op(I32.mul, I32.sub)
  body.get(size).op(I32.add).get(descriptor).access(I32.load, DESCRIPTOR.valueSize)
  body.op(I32.gtU, OP.brIf).unsigned(1)
  body.get(slot).i32(SLOT_MASK).op(I32.and, OP.else).i32(0).op(OP.end)
  body
    .get(pointer)
    .i64(32 + REGION_BITS)
    .op(I64.shrU, OP.i32WrapI64)
  giveUpIf(I32.ne)
  body.get(descriptor).access(I32.load, DESCRIPTOR.start).get(offset).op(OP.i32WrapI64, I32.add, OP.return)
  body.op(OP.end)
  body.get(pointer).op(OP.i32WrapI64).get(pointer).i64(32).op(I64.shrU, OP.i32WrapI64)
  body.get(displacement).get(mode).get(index).ask(access)
  return body.finish()
}

/** Reads 4 bytes through a pointer of which nothing is known: in the context they may be a pointer themselves. */
function writeWord({ reach }: Numbers, { hook }: Program): Uint8Array {
  const [pointer, displacement, index] = [0, 1, 2]
  const body = new Body(3)
  const offset = body.local(i64)
  const fields = hook === 'tc' ? SK_BUFF : XDP_MD
  body.get(pointer).i64(32).op(I64.shrU).i64(REGION.context).op(I64.eq, OP.if, TYPE.none)
  body.get(pointer).op(OP.i32WrapI64, OP.i64ExtendI32U).get(displacement).op(OP.i64ExtendI32S, I64.add).tee(offset)
  body.i64(fields.data).op(I64.eq).get(offset).i64(fields.data_meta).op(I64.eq, I32.or, OP.if, TYPE.none)
  body.i32(0).access(I64.load, AT.packetBase).op(OP.return, OP.end)
  body.get(offset).i64(fields.data_end).op(I64.eq, OP.if, TYPE.none)
  body.i32(0).access(I64.load, AT.packetBase).i32(0).access(I64.load, AT.packetLength).op(I64.add, OP.return, OP.end)
  body.op(OP.end)
  body.get(pointer).get(displacement).i32(modeOf(MODE.read, 4)).get(index).call(reach).access(I64.load32U)
  return body.finish()
}
