import { ALU, ATOMIC, bytesOf, CLASS, classOf, MODE as FORM, LIMIT } from '../../isa/opcodes.ts'
import type { Instruction } from '../../isa/program.ts'
import { CONTEXT_SIZE, isWritable } from '../context.ts'
import { AT, DESCRIPTOR, ROOM } from '../layout.ts'
import { REGION, REGION_BITS, strideOf } from '../memory.ts'
import { isWritten, kindOf, offsetOf, POINTER, referenceOf, type State } from './knowledge.ts'
import { I32, I64, OP, TYPE } from './opcodes.ts'
import type { Translated } from './open.ts'
import { DEPTH } from './registers.ts'
import { MODE, modeOf, type Scope } from './scope.ts'

const LOADS: Readonly<Record<number, number>> = { 1: I64.load8U, 2: I64.load16U, 4: I64.load32U, 8: I64.load }
const SIGNED: Readonly<Record<number, number>> = { 1: I64.load8S, 2: I64.load16S, 4: I64.load32S }
const STORES: Readonly<Record<number, number>> = { 1: I64.store8, 2: I64.store16, 4: I64.store32, 8: I64.store }

export const PACKET_BASE = BigInt(REGION.packet) << 32n

export function writeLoad(scope: Scope, state: State, instruction: Instruction, index: number): void {
  const { body, registers, numbers, follower } = scope
  const { opcode, dst, src, offset } = instruction
  const size = bytesOf(opcode)
  const base = state[src] ?? 0
  const isPlain = (opcode & 0xe0) === FORM.mem
  const field =
    kindOf(base) === POINTER.context && isPlain ? follower.packetField(offsetOf(base) + offset, size) : undefined
  if (field !== undefined) {
    pushPacketBase(scope)
    if (field === 'end') body.i32(0).access(I64.load, AT.packetLength).op(I64.add)
  } else {
    const known = place(scope, state, base, offset, size, MODE.read)
    if (known === undefined && size === 4 && isPlain && kindOf(base) === POINTER.unknown) {
      registers.push(body, src)
      body.i32(offset).i32(index).call(numbers.word)
    } else {
      const at = pushAddress(scope, known, src, base, offset, size, MODE.read, index)
      body.access((isPlain ? LOADS : SIGNED)[size] ?? OP.unreachable, at)
    }
  }
  registers.pop(body, dst)
}

export function writeStore(scope: Scope, state: State, instruction: Translated, index: number): void {
  const { body, registers } = scope
  const { opcode, dst, src, offset, imm, open } = instruction
  if (classOf(opcode) === CLASS.stx && (opcode & 0xe0) === FORM.atomic) {
    writeAtomic(scope, state, instruction, index)
    return
  }
  const size = bytesOf(opcode)
  const base = state[dst] ?? 0
  const known = place(scope, state, base, offset, size, MODE.write)
  if (known?.kind === POINTER.stack && scope.isTracked) markWritten(scope, offsetOf(base) + offset, size)
  const at = pushAddress(scope, known, dst, base, offset, size, MODE.write, index)
  if (classOf(opcode) === CLASS.stx) registers.push(body, src)
  else if (open === undefined) body.i64(Number(imm))
  else body.getGlobal(scope.numbers.open(open))
  body.access(STORES[size] ?? OP.unreachable, at)
}

/** The address of the packet's first byte. */
export function pushPacketBase({ body, movesPacket }: Scope): void {
  if (movesPacket) body.i32(0).access(I64.load, AT.packetBase)
  else body.big(PACKET_BASE)
}

/** Pushes what an address in the function's frame is relative to; the rest, for an offset from the frame's end, is given. */
export function pushFrame({ body, frame }: Scope, offset: number): number {
  if (frame === undefined) {
    body.i32(0)
    return AT.stacks + LIMIT.stack + offset
  }
  body.get(frame)
  return LIMIT.stack + offset
}

/** Where an access certainly goes, and may. */
interface Place {
  readonly kind: number
  readonly at: number
}

function place(
  scope: Scope,
  state: State,
  base: number,
  displacement: number,
  size: number,
  mode: number,
): Place | undefined {
  const kind = kindOf(base)
  const at = offsetOf(base) + displacement
  const isAligned = mode !== MODE.atomic || at % size === 0
  const isKey = mode === MODE.key
  if (!isAligned) return undefined
  switch (kind) {
    case POINTER.stack: {
      if (at < -LIMIT.stack || at + size > 0) return undefined
      if (!scope.isPlain && !isKey && at % size !== 0) return undefined
      const isReadable = mode === MODE.write || scope.isPlain || isWritten(state, at, size)
      return isReadable ? { kind, at } : undefined
    }
    case POINTER.context: {
      if (mode === MODE.atomic || isKey || size === 8 || at < 0 || at + size > CONTEXT_SIZE[scope.program.hook])
        return undefined
      return mode === MODE.read || isWritable(scope.program.hook, at, size) ? { kind, at } : undefined
    }
    case POINTER.value: {
      const length = scope.follower.description(base)?.value.size ?? 0
      if (at < 0 || at + size > length) return undefined
      const { from, to } = scope.reached.get(referenceOf(base)) ?? { from: at, to: at }
      scope.reached.set(referenceOf(base), { from: Math.min(from, at), to: Math.max(to, at + size) })
      return { kind, at }
    }
    default:
      return undefined
  }
}

/** Pushes an address, and gives what is still to be added to it. */
function pushAddress(
  scope: Scope,
  known: Place | undefined,
  register: number,
  base: number,
  displacement: number,
  size: number,
  mode: number,
  index: number,
): number {
  const { body, registers, numbers } = scope
  if (known?.kind === POINTER.stack) return pushFrame(scope, known.at)
  if (known?.kind === POINTER.context) {
    body.i32(0)
    return AT.context + known.at
  }
  if (known?.kind === POINTER.value) {
    body.getGlobal(numbers.descriptor(scope.follower.map(base))).access(I32.load, DESCRIPTOR.start)
    registers.push(body, register)
    body.op(OP.i32WrapI64, I32.add)
    if (displacement < 0) body.i32(displacement).op(I32.add)
    return Math.max(displacement, 0)
  }
  if (kindOf(base) === POINTER.packet && mode !== MODE.atomic) {
    pushInPacket(scope, register, displacement, size, mode, index)
    return 0
  }
  pushReached(scope, register, displacement, size, mode, index)
  return 0
}

/** Where a key is that a register points to. */
export function pushKey(scope: Scope, state: State, register: number, size: number, index: number): void {
  const base = state[register] ?? 0
  const known = place(scope, state, base, 0, size, MODE.key)
  const rest = pushAddress(scope, known, register, base, 0, size, MODE.key, index)
  if (rest !== 0) scope.body.i32(rest).op(I32.add)
}

/** No packet is shorter. */
const SHORTEST_PACKET = 14

/** For few bytes, one comparison finds out both: whether it is this packet, and whether it is so long. */
function pushInPacket(
  scope: Scope,
  register: number,
  displacement: number,
  size: number,
  mode: number,
  index: number,
): void {
  const { body, registers, movesPacket } = scope
  registers.push(body, register)
  if (movesPacket) {
    pushPacketBase(scope)
    body.op(I64.sub)
    if (displacement !== 0) body.i64(displacement).op(I64.add)
  } else body.big(PACKET_BASE - BigInt(displacement)).op(I64.sub)
  body.tee(registers.wide).i32(0).access(I64.load, AT.packetLength)
  if (size <= SHORTEST_PACKET) body.i64(size).op(I64.sub, I64.gtU)
  else {
    body.op(I64.gtU).get(registers.wide).i64(size).op(I64.add)
    body.i32(0).access(I64.load, AT.packetLength).op(I64.gtU, I32.or)
  }
  body.op(OP.if, TYPE.i32)
  pushReached(scope, register, displacement, size, mode, index)
  body.op(OP.else).get(registers.wide).op(OP.i32WrapI64).i32(AT.packet).op(I32.add, OP.end)
}

function pushReached(
  { body, registers, numbers }: Scope,
  register: number,
  displacement: number,
  size: number,
  mode: number,
  index: number,
): void {
  registers.push(body, register)
  body.i32(displacement).i32(modeOf(mode, size)).i32(index).call(numbers.reach)
}

/** Sets the bits of bytes of the frame. */
export function markWritten({ body, frame }: Scope, offset: number, size: number): void {
  const pushBits = (): number => {
    if (frame === undefined) {
      body.i32(0)
      return AT.written
    }
    body.get(DEPTH).i32(ROOM.written).op(I32.mul)
    return AT.written
  }
  for (let byte = (LIMIT.stack + offset) >> 3; byte << 3 < LIMIT.stack + offset + size; byte++) {
    let mask = 0
    for (let bit = 0; bit < 8; bit++) {
      const at = byte * 8 + bit - LIMIT.stack
      if (at >= offset && at < offset + size) mask |= 1 << bit
    }
    const at = pushBits() + byte
    if (mask === 0xff) body.i32(0xff)
    else {
      pushBits()
      body.access(I32.load8U, at).i32(mask).op(I32.or)
    }
    body.access(I32.store8, at)
  }
}

/** RFC 9669 section 5.3. The old value goes to the source register (with `fetch`), or to r0 (`cmpxchg`). */
function writeAtomic(scope: Scope, state: State, instruction: Instruction, index: number): void {
  const { body, registers } = scope
  const { opcode, dst, src, offset, imm } = instruction
  const size = bytesOf(opcode)
  const base = state[dst] ?? 0
  const operation = Number(imm)
  const known = place(scope, state, base, offset, size, MODE.atomic)
  const rest = pushAddress(scope, known, dst, base, offset, size, MODE.atomic, index)
  const [load, store] = size === 8 ? [I64.load, I64.store] : [I64.load32U, I64.store32]
  const operate = COMBINED[operation & ~ATOMIC.fetch]
  body.tee(registers.word).get(registers.word).access(load, rest).tee(registers.wide)
  if (operate !== undefined) {
    registers.push(body, src)
    body.op(operate)
  } else if (operation === ATOMIC.xchg) {
    body.op(OP.drop)
    registers.push(body, src)
  } else {
    // Compare and exchange: what is there stays unless it is what r0 has.
    body.op(OP.drop)
    registers.push(body, src)
    body.get(registers.wide).get(registers.wide)
    registers.push(body, 0)
    if (size === 4) body.i64(-1).i64(32).op(I64.shrU, I64.and)
    body.op(I64.eq, OP.select)
  }
  body.access(store, rest)
  if ((operation & ATOMIC.fetch) === 0) return
  body.get(registers.wide)
  registers.pop(body, operation === ATOMIC.cmpxchg ? 0 : src)
}

const COMBINED: Readonly<Record<number, number>> = {
  [ALU.add]: I64.add,
  [ALU.or]: I64.or,
  [ALU.and]: I64.and,
  [ALU.xor]: I64.xor,
}

/** The address of the value in a slot, whose number is in `word`, of a map that is known. */
export function pushValue({ body, registers, numbers, follower }: Scope, map: number): void {
  const stride = strideOf(follower.description(map)?.value.size ?? 0)
  body
    .getGlobal(numbers.descriptor(follower.map(map)))
    .access(I64.load32U, DESCRIPTOR.id)
    .i64(32)
    .op(I64.shl)
  body.get(registers.word).op(OP.i64ExtendI32U).i64(stride).op(I64.mul, I64.or)
  body
    .get(registers.word)
    .op(OP.i64ExtendI32U)
    .i64(32 + REGION_BITS)
    .op(I64.shl, I64.or)
}
