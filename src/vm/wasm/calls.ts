import { CALL, CALLX, HELPER, LIMIT } from '../../isa/opcodes.ts'
import { type Instruction, isArray } from '../../isa/program.ts'
import { AT } from '../layout.ts'
import { pushKey, pushValue } from './access.ts'
import { kindOf, POINTER, type State } from './knowledge.ts'
import { arityOf } from './liveness.ts'
import { I32, I64, OP, TYPE } from './opcodes.ts'
import { DEPTH } from './registers.ts'
import { type Numbers, REASON, type Scope } from './scope.ts'

/** What a call leaves in r1 to r5: nothing anybody may use. */
export const CLOBBERED = 0x0badbadb0badbadbn

/** `used`: which of r1 to r5 are read behind it, although nobody may. */
export function writeCall(
  scope: Scope,
  state: State,
  instruction: Instruction,
  index: number,
  target: number,
  used: number,
): void {
  if (instruction.src === CALL.local) writeLocal(scope, index, target)
  else if (instruction.opcode === CALLX) writeChosen(scope, instruction.dst, index)
  else writeHelper(scope, state, Number(instruction.imm), index)
  if (instruction.src === CALL.helper && instruction.imm === HELPER.tail_call) writeAnswer(scope)
  for (let register = 1; register <= 5; register++) {
    if (((used >> register) & 1) === 0) continue
    scope.body.big(CLOBBERED)
    scope.registers.pop(scope.body, register)
  }
}

function writeLocal(scope: Scope, index: number, target: number): void {
  const { body, registers, numbers, frame, fuel, isTracked, isPlain } = scope
  if (frame !== undefined) {
    body
      .get(DEPTH)
      .i32(LIMIT.callDepth - 1)
      .op(I32.geU, OP.if, TYPE.none)
    body.i32(REASON.depth).i32(index).i32(0).i32(0).i32(0).ask(numbers.fail).op(OP.drop).op(OP.end)
  }
  if (fuel !== undefined) body.i32(0).get(fuel).access(I32.store, AT.fuel)
  for (const register of inheritedBy(numbers, target)) {
    body.i32(0)
    registers.push(body, register)
    body.access(I64.store, AT.registers + 8 * register)
  }
  for (let register = 1; register <= 5; register++) registers.push(body, register)
  if (frame === undefined) body.i32(1)
  else body.get(DEPTH).i32(1).op(I32.add)
  body.call(numbers.functions.get(target) ?? 0)
  registers.pop(body, 0)
  if (isTracked || isPlain) {
    body.i32(0)
    if (frame === undefined) body.i32(0)
    else body.get(DEPTH)
    body.access(I32.store, AT.depth)
  }
  body.i32(0).access(I32.load, AT.fuel)
  if (fuel !== undefined) body.tee(fuel)
  body.i32(0).op(I32.ltS, OP.if, TYPE.none)
  body.i32(REASON.fuel).i32(index).i32(0).i32(0).i32(0).ask(numbers.fail).op(OP.drop).op(OP.end)
}

/** The registers that a function takes over from its caller without being given them. */
export const inheritedBy = ({ inherited }: Numbers, entry: number): number[] =>
  [0, 6, 7, 8, 9].filter((register) => (((inherited.get(entry) ?? 0) >> register) & 1) === 1)

function writeHelper(scope: Scope, state: State, helper: number, index: number): void {
  const { body, registers, isPlain } = scope
  const inline = isPlain ? undefined : INLINE[helper]
  if (inline === undefined || !inline(scope, state, index)) writeGeneral(scope, helper, index)
  registers.pop(body, 0)
}

/** Of a tail call: what the other program answered is what this function returns. What it used up is accounted for. */
function writeAnswer({ body, registers }: Scope): void {
  body.i32(0).access(I32.load, AT.tailed).op(OP.if, TYPE.none)
  registers.push(body, 0)
  body.op(OP.return, OP.end)
}

/** The helper whose number is in a register. No number of 64 bits is one of a helper. */
function writeChosen(scope: Scope, register: number, index: number): void {
  const { body, registers } = scope
  putArguments(scope, 5)
  registers.push(body, register)
  body.op(OP.i32WrapI64).i32(-1)
  registers.push(body, register)
  body.i64(31).op(I64.shrU, I64.eqz, OP.select)
  writeAsked(scope, index)
  registers.pop(body, 0)
}

/** Pushes what the helper returns. */
function writeGeneral(scope: Scope, helper: number, index: number): void {
  const { body, fuel } = scope
  if (helper === HELPER.tail_call && fuel !== undefined) body.i32(0).get(fuel).access(I32.store, AT.fuel)
  putArguments(scope, arityOf(helper))
  body.i32(helper)
  writeAsked(scope, index)
}

function putArguments({ body, registers }: Scope, count: number): void {
  for (let register = 1; register <= count; register++) {
    body.i32(0)
    registers.push(body, register)
    body.access(I64.store, AT.registers + 8 * register)
  }
}

/** Of the helper whose number was pushed. */
function writeAsked({ body, numbers }: Scope, index: number): void {
  body.i32(index).i32(0).i32(0).i32(0).ask(numbers.helper).op(OP.drop)
  body.i32(0).access(I64.load, AT.registers)
}

/** Those that are translated: they push their result, or nothing and return false. */
const INLINE: Readonly<Record<number, (scope: Scope, state: State, index: number) => boolean>> = {
  [HELPER.ktime_get_ns]: (scope, _, index) => {
    checkLock(scope, HELPER.ktime_get_ns, index)
    scope.body.i32(0).access(I64.load, AT.clock)
    return true
  },
  [HELPER.get_smp_processor_id]: (scope, _, index) => {
    checkLock(scope, HELPER.get_smp_processor_id, index)
    scope.body.i64(0)
    return true
  },
  [HELPER.map_lookup_elem]: writeLookup,
}

/** Under a lock nothing may be called. The general way says so. */
function checkLock({ body, numbers, hasLocks }: Scope, helper: number, index: number): void {
  if (!hasLocks) return
  body.i32(0).access(I64.load, AT.lock).op(I64.eqz, I32.eqz, OP.if, TYPE.none)
  body.i32(helper).i32(index).i32(0).i32(0).i32(0).ask(numbers.helper).op(OP.drop).op(OP.end)
}

/** In a map that is known. */
function writeLookup(scope: Scope, state: State, index: number): boolean {
  const { body, registers, follower, numbers } = scope
  const map = state[1] ?? 0
  const description = follower.description(map)
  if (kindOf(map) !== POINTER.map || description === undefined) return false
  const find = numbers.find(follower.map(map))
  if (!isArray(description.kind) && find === undefined) return false
  checkLock(scope, HELPER.map_lookup_elem, index)
  pushKey(scope, state, 2, description.key.size, index)
  if (find === undefined) body.access(I32.load).tee(registers.word).i32(description.entries).op(I32.ltU)
  else body.i32(0).i32(0).i32(0).i32(0).ask(find).tee(registers.word).i32(0).op(I32.geS)
  body.op(OP.if, TYPE.i64)
  pushValue(scope, map)
  body.op(OP.else).i64(0).op(OP.end)
  return true
}
