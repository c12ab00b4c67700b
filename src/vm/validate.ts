import { type Diagnostic, Refusal } from '../base/diagnostic.ts'
import {
  ALU,
  ATOMIC,
  CALL,
  CALLX,
  CLASS,
  classOf,
  HELPER,
  helperName,
  JMP,
  LDDW,
  MAY_GOTO,
  MODE,
  ORDERED,
  SIZE,
  SOURCE,
} from '../isa/opcodes.ts'
import { type Hook, type Instruction, type Program, slotsOf } from '../isa/program.ts'
import { nameOf, placeOf } from './fault.ts'
import { openPlaces } from './wasm/open.ts'

const MOST_INSTRUCTIONS = 1_000_000

/** Helpers that only one hook has. */
const HOOK_OF = new Map<number, Hook>([
  [HELPER.clone_redirect, 'tc'],
  [HELPER.skb_pull_data, 'tc'],
  [HELPER.l4_csum_replace, 'tc'],
  [HELPER.csum_update, 'tc'],
  [HELPER.xdp_adjust_head, 'xdp'],
  [HELPER.xdp_adjust_tail, 'xdp'],
  [HELPER.redirect_map, 'xdp'],
  [HELPER.redirect_peer, 'tc'],
  [HELPER.skb_load_bytes, 'tc'],
  [HELPER.xdp_load_bytes, 'xdp'],
  [HELPER.skb_vlan_push, 'tc'],
  [HELPER.skb_vlan_pop, 'tc'],
  [HELPER.skb_change_tail, 'tc'],
  [HELPER.skb_pull_data, 'tc'],
  [HELPER.skb_change_head, 'tc'],
  [HELPER.skb_adjust_room, 'tc'],
])
const HELPERS: ReadonlySet<number> = new Set<number>(Object.values(HELPER))

export interface Rules {
  /**
   * RFC 9669 gives a meaning to divisions by the constant 0, to shifts by more than a register has, and to programs of which
   * parts cannot be reached; other machines call helpers by a register. The kernel refuses all of them.
   */
  readonly standard?: boolean
  /** Those that can be called. */
  readonly helpers?: ReadonlySet<number>
}

const ALU_CODES = new Set<number>(Object.values(ALU))
const CONDITIONS = new Set<number>(
  Object.values(JMP).filter((code) => ![JMP.ja, JMP.call, JMP.exit].includes(code as 0)),
)
const ATOMICS = new Set<number>([
  ...[ATOMIC.add, ATOMIC.or, ATOMIC.and, ATOMIC.xor].flatMap((code) => [code, code | ATOMIC.fetch]),
  ATOMIC.xchg,
  ATOMIC.cmpxchg,
])

/**
 * Refuses what no run could make sense of: every mistake found, each with its instruction. The kernel's verifier refuses
 * all of this too, and much more.
 */
export function validate(program: Program, { standard = false, helpers = HELPERS }: Rules = {}): void {
  const { instructions } = program
  if (instructions.length === 0 || instructions.length > MOST_INSTRUCTIONS) {
    const message = `program "${program.name}" has ${instructions.length} instructions; it may have 1 to 1,000,000`
    throw new Refusal([{ message }])
  }
  const checks = { program, standard, helpers }
  const slots = slotNumbers(instructions)
  const found: Diagnostic[] = []
  const report = (index: number, what: string) => {
    if (found.length >= 20) return
    found.push({ message: `${nameOf(program, index)}: ${what}`, place: placeOf(program, index) })
  }
  for (const [index, instruction] of instructions.entries()) {
    const mistake = registers(instruction) ?? form(instruction, checks)
    if (mistake !== undefined) report(index, mistake)
  }
  if (found.length === 0) flow(program, slots, standard, report)
  if (found.length > 0) throw new Refusal(found)
}

/** Whether a program is valid whose open numbers alone differ from those of a valid one. */
export function areOpenValid(program: Program): boolean {
  const open = openPlaces(program)
  const checks = { program, standard: false, helpers: HELPERS }
  for (let index = 0; index < open.length; index++) {
    const one = open[index] === undefined ? undefined : program.instructions[index]
    if (one !== undefined && form(one, checks) !== undefined) return false
  }
  return true
}

/** The slot of each instruction, and one more: the slot after the last. */
export function slotNumbers(instructions: readonly Instruction[]): Int32Array {
  const slots = new Int32Array(instructions.length + 1)
  let slot = 0
  for (const [index, instruction] of instructions.entries()) {
    slots[index] = slot
    slot += slotsOf(instruction)
  }
  slots[instructions.length] = slot
  return slots
}

/** The distance a jump or local call goes, in slots from the next instruction; undefined where control goes nowhere else. */
export function distanceOf({ opcode, offset, src, imm }: Instruction): number | undefined {
  const kind = classOf(opcode)
  const code = opcode & 0xf0
  if (kind !== CLASS.jmp && kind !== CLASS.jmp32) return undefined
  if (code === JMP.exit) return undefined
  if (code === JMP.call) return src === CALL.local ? Number(imm) : undefined
  return code === JMP.ja && kind === CLASS.jmp32 ? Number(imm) : offset
}

function registers({ opcode, dst, src, map }: Instruction): string | undefined {
  if (dst < 0 || dst > 10) return `there is no register r${dst}`
  if (map === undefined && (src < 0 || src > 10)) return `there is no register r${src}`
  const kind = classOf(opcode)
  const writes = kind === CLASS.alu || kind === CLASS.alu64 || kind === CLASS.ldx || kind === CLASS.ld
  return writes && dst === 10 ? 'r10, the frame pointer, cannot be written' : undefined
}

interface Checks extends Required<Rules> {
  readonly program: Program
}

/** What is wrong with an instruction by itself, RFC 9669 sections 4 and 5. Fields it does not use must be zero. */
function form(instruction: Instruction, checks: Checks): string | undefined {
  const { opcode, offset, imm } = instruction
  if (!Number.isInteger(offset) || offset < -0x8000 || offset > 0x7fff)
    return `offset ${offset} is not a signed 16-bit number`
  if (opcode !== LDDW && (Number(imm) < -0x80000000 || Number(imm) > 0x7fffffff))
    return `immediate ${imm} is not a signed 32-bit number`
  switch (classOf(opcode)) {
    case CLASS.alu:
    case CLASS.alu64:
      return arithmetic(instruction, checks)
    case CLASS.jmp:
    case CLASS.jmp32:
      return jump(instruction, checks)
    case CLASS.ld:
      return wide(instruction, checks)
    default:
      return memory(instruction)
  }
}

const RESERVED = 'a field that this instruction does not use is not zero'
const unknown = (opcode: number): string => `opcode 0x${opcode.toString(16).padStart(2, '0')} is not an instruction`

function arithmetic({ opcode, src, offset, imm }: Instruction, { standard }: Checks): string | undefined {
  const code = opcode & 0xf0
  const wide = classOf(opcode) === CLASS.alu64
  const register = (opcode & SOURCE.x) !== 0
  const width = wide ? 64 : 32
  if (!ALU_CODES.has(code)) return unknown(opcode)
  if (code === ALU.end) {
    if (wide && register) return unknown(opcode)
    if (imm !== 16 && imm !== 32 && imm !== 64) return `a byte swap of ${imm} bits: 16, 32 and 64 exist`
    return src !== 0 || offset !== 0 ? RESERVED : undefined
  }
  if (code === ALU.neg)
    return register ? unknown(opcode) : src !== 0 || offset !== 0 || imm !== 0 ? RESERVED : undefined
  if (register ? imm !== 0 : src !== 0) return RESERVED
  const extends_ = register && code === ALU.mov && (offset === 8 || offset === 16 || (offset === 32 && wide))
  const signed = (code === ALU.div || code === ALU.mod) && offset === 1
  if (offset !== 0 && !extends_ && !signed) return `offset ${offset} gives this instruction no meaning`
  if (register || standard) return undefined
  if ((code === ALU.div || code === ALU.mod) && imm === 0) return 'division by the constant 0'
  const shifts = code === ALU.lsh || code === ALU.rsh || code === ALU.arsh
  if (shifts && (imm < 0 || imm >= width)) return `a shift by ${imm} of a value of ${width} bits`
  return undefined
}

function jump(
  { opcode, dst, src, offset, imm }: Instruction,
  { program, helpers, standard }: Checks,
): string | undefined {
  const code = opcode & 0xf0
  if (opcode === CALLX && standard) return src !== 0 || offset !== 0 || imm !== 0 ? RESERVED : undefined
  if (opcode === MAY_GOTO) return dst !== 0 || src !== 0 || imm !== 0 ? RESERVED : undefined
  const wide = classOf(opcode) === CLASS.jmp
  const register = (opcode & SOURCE.x) !== 0
  if (code === JMP.ja) {
    if (register) return unknown(opcode)
    return dst !== 0 || src !== 0 || (wide ? imm : offset) !== 0 ? RESERVED : undefined
  }
  if (CONDITIONS.has(code)) return (register ? imm !== 0 : src !== 0) ? RESERVED : undefined
  if (!wide || register || (code !== JMP.call && code !== JMP.exit)) return unknown(opcode)
  if (dst !== 0 || offset !== 0) return RESERVED
  if (code === JMP.exit) return src !== 0 || imm !== 0 ? RESERVED : undefined
  if (src === CALL.local) return undefined
  const helper = Number(imm)
  if (src !== CALL.helper) return `a call of kind ${src}: helpers by their number (0) and functions (1) can be called`
  if (!HELPERS.has(helper)) return `there is no helper ${imm}`
  if (!helpers.has(helper)) return `${helperName(helper)} works on packets or maps, of which there are none here`
  const hook = HOOK_OF.get(helper)
  if (hook !== undefined && hook !== program.hook) return `${helperName(helper)} is a helper of ${hook} programs only`
  return undefined
}

function wide({ opcode, src, offset, map, mapValue }: Instruction, { program }: Checks): string | undefined {
  const mode = opcode & 0xe0
  if (mode === MODE.abs || mode === MODE.ind) return 'legacy packet access: read through the pointer instead'
  if (opcode !== LDDW) return unknown(opcode)
  if (offset !== 0) return RESERVED
  if (map === undefined) return src !== 0 ? 'a map is referred to by its name, and nothing else is' : undefined
  const description = program.maps[map]
  if (description === undefined) return `the program describes no map "${map}"`
  if (mapValue === undefined) return undefined
  if (description.kind !== 'array' || description.entries !== 1)
    return `only the value of an array map of one entry has an address at load time, and "${map}" is another kind of map`
  if (mapValue < 0 || mapValue >= description.value.size)
    return `byte ${mapValue} is outside the value of "${map}", which has ${description.value.size} bytes`
  return undefined
}

function memory({ opcode, dst, src, imm }: Instruction): string | undefined {
  const kind = classOf(opcode)
  const mode = opcode & 0xe0
  const size = opcode & 0x18
  if (kind === CLASS.stx && mode === MODE.atomic) {
    if (imm === ORDERED.loadAcquire) return dst === 10 ? 'r10, the frame pointer, cannot be written' : undefined
    if (imm === ORDERED.storeRelease) return undefined
    if (size !== SIZE.w && size !== SIZE.dw) return 'an atomic operation on less than 4 bytes'
    const operation = Number(imm)
    if (!ATOMICS.has(operation)) return `0x${(operation >>> 0).toString(16)} is not an atomic operation`
    const writesSource = (operation & ATOMIC.fetch) !== 0 && operation !== ATOMIC.cmpxchg
    return writesSource && src === 10 ? 'r10, the frame pointer, cannot be written' : undefined
  }
  if (kind === CLASS.ldx && mode === MODE.memsx)
    return size === SIZE.dw ? unknown(opcode) : imm !== 0 ? RESERVED : undefined
  if (mode !== MODE.mem) return unknown(opcode)
  if (kind === CLASS.st) return src !== 0 ? RESERVED : undefined
  return imm !== 0 ? RESERVED : undefined
}

/** Where control can go: never outside, never into the middle of a wide instruction, and to every instruction. */
function flow(
  { instructions }: Program,
  slots: Int32Array,
  standard: boolean,
  report: (index: number, what: string) => void,
): void {
  const end = slots[instructions.length] ?? 0
  const indexOf = new Int32Array(end).fill(-1)
  for (let index = 0; index < instructions.length; index++) indexOf[slots[index] ?? 0] = index
  let mistakes = 0
  const mistake = (index: number, what: string): void => {
    mistakes++
    report(index, what)
  }
  const targets = instructions.map((instruction, index) => {
    const distance = distanceOf(instruction)
    if (distance === undefined) return -1
    const slot = (slots[index + 1] ?? 0) + distance
    const target = indexOf[slot] ?? -1
    if (target < 0)
      mistake(
        index,
        `goes to ${slot}, which is ${slot < 0 || slot >= end ? 'outside the program' : 'the middle of lddw'}`,
      )
    return target
  })
  const reached = new Uint8Array(instructions.length)
  const pending = [0]
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const instruction = instructions[index]
    if (instruction === undefined || reached[index] === 1) continue
    reached[index] = 1
    const target = targets[index] ?? -1
    if (target >= 0) pending.push(target)
    if (leaves(instruction)) continue
    if (index + 1 < instructions.length) pending.push(index + 1)
    else mistake(index, 'is the last instruction, and neither exit nor a jump')
  }
  const unreached = reached.indexOf(0)
  if (!standard && mistakes === 0 && unreached !== -1) report(unreached, 'can never be reached')
}

/** What control never goes on from to the next instruction. */
function leaves({ opcode }: Instruction): boolean {
  const kind = classOf(opcode)
  const code = opcode & 0xf0
  return (kind === CLASS.jmp || kind === CLASS.jmp32) && (code === JMP.ja || code === JMP.exit)
}
