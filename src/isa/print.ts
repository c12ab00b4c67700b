import {
  ALU,
  ATOMIC,
  bytesOf,
  CALL,
  CALLX,
  CLASS,
  classOf,
  helperName,
  JMP,
  LDDW,
  MAY_GOTO,
  MODE,
  ORDERED,
  SOURCE,
} from './opcodes.ts'
import { type Instruction, type MapDescription, type Program, type SourceLine, slotsOf } from './program.ts'

/**
 * Instructions as the kernel and bpftool print them (kernel/bpf/disasm.c), except that maps and helpers go by their names
 * and small numbers are decimal.
 */
export function printInstruction(instruction: Instruction): string {
  return print(instruction, (distance) => (distance < 0 ? String(distance) : `+${distance}`))
}

/** What a jump's distance, in slots from the next instruction, is called. */
type Target = (distance: number) => string

const ALU_SIGN: Readonly<Record<number, string>> = {
  [ALU.add]: '+=',
  [ALU.sub]: '-=',
  [ALU.mul]: '*=',
  [ALU.div]: '/=',
  [ALU.or]: '|=',
  [ALU.and]: '&=',
  [ALU.lsh]: '<<=',
  [ALU.rsh]: '>>=',
  [ALU.mod]: '%=',
  [ALU.xor]: '^=',
  [ALU.mov]: '=',
  [ALU.arsh]: 's>>=',
}

const JMP_SIGN: Readonly<Record<number, string>> = {
  [JMP.jeq]: '==',
  [JMP.jgt]: '>',
  [JMP.jge]: '>=',
  [JMP.jset]: '&',
  [JMP.jne]: '!=',
  [JMP.jsgt]: 's>',
  [JMP.jsge]: 's>=',
  [JMP.jlt]: '<',
  [JMP.jle]: '<=',
  [JMP.jslt]: 's<',
  [JMP.jsle]: 's<=',
}

const ATOMIC_NAME: Readonly<Record<number, string>> = {
  [ATOMIC.add]: 'add',
  [ATOMIC.or]: 'or',
  [ATOMIC.and]: 'and',
  [ATOMIC.xor]: 'xor',
}

function print(instruction: Instruction, target: Target): string {
  switch (classOf(instruction.opcode)) {
    case CLASS.alu:
    case CLASS.alu64:
      return arithmetic(instruction)
    case CLASS.jmp:
    case CLASS.jmp32:
      return jump(instruction, target)
    default:
      return memory(instruction)
  }
}

const unknown = ({ opcode }: Instruction): string => `(${hex(opcode)}) unknown`
const hex = (value: number | bigint): string => `0x${value.toString(16)}`

/** Masks and other patterns of bits read best in hexadecimal. */
function pattern(value: number, wide: boolean): string {
  if (value >= 0 && value < 10) return String(value)
  return hex(wide ? BigInt.asUintN(64, BigInt(value)) : value >>> 0)
}

function arithmetic(instruction: Instruction): string {
  const { opcode, dst, src, offset } = instruction
  const code = opcode & 0xf0
  const wide = classOf(opcode) === CLASS.alu64
  const r = wide ? 'r' : 'w'
  const imm = Number(instruction.imm)
  if (code === ALU.neg) return `${r}${dst} = -${r}${dst}`
  if (code === ALU.end) {
    const order = wide ? 'bswap' : (opcode & SOURCE.x) === 0 ? 'le' : 'be'
    return `r${dst} = ${order}${imm} r${dst}`
  }
  const sign = ALU_SIGN[code]
  if (sign === undefined) return unknown(instruction)
  const bitwise = code === ALU.and || code === ALU.or || code === ALU.xor
  const constant = bitwise ? pattern(imm, wide) : String(imm)
  const source = (opcode & SOURCE.x) === 0 ? constant : `${r}${src}`
  if (code === ALU.mov && offset !== 0) return `${r}${dst} = (s${offset})${source}`
  const signed = offset === 1 && (code === ALU.div || code === ALU.mod) ? 's' : ''
  return `${r}${dst} ${signed}${sign} ${source}`
}

function jump(instruction: Instruction, target: Target): string {
  const { opcode, dst, src, offset } = instruction
  const code = opcode & 0xf0
  const wide = classOf(opcode) === CLASS.jmp
  const imm = Number(instruction.imm)
  const isCondition = JMP_SIGN[code] !== undefined
  if (opcode === CALLX) return `call r${dst}`
  if (opcode === MAY_GOTO) return dst + src + imm === 0 ? `may_goto ${target(offset)}` : unknown(instruction)
  if (!isCondition && (opcode & SOURCE.x) !== 0) return unknown(instruction)
  if (code === JMP.ja) return wide ? `goto ${target(offset)}` : `gotol ${target(imm)}`
  if (code === JMP.exit) return wide ? 'exit' : unknown(instruction)
  if (code === JMP.call) {
    if (!wide) return unknown(instruction)
    if (src === CALL.local) return `call pc ${target(imm)}`
    return src === CALL.helper ? `call ${helperName(imm)}#${imm}` : unknown(instruction)
  }
  const sign = JMP_SIGN[code]
  if (sign === undefined) return unknown(instruction)
  const r = wide ? 'r' : 'w'
  const constant = code === JMP.jset ? pattern(imm, wide) : String(imm)
  const source = (opcode & SOURCE.x) === 0 ? constant : `${r}${src}`
  return `if ${r}${dst} ${sign} ${source} goto ${target(offset)}`
}

function memory(instruction: Instruction): string {
  const { opcode, dst, src, imm } = instruction
  if (opcode === LDDW) return `r${dst} = ${wideConstant(instruction)} ll`
  const kind = classOf(opcode)
  const mode = opcode & 0xe0
  const bits = bytesOf(opcode) * 8
  if (kind === CLASS.stx && mode === MODE.atomic) return atomic(instruction)
  if (kind === CLASS.ldx && mode === MODE.memsx && bits < 64) return `r${dst} = ${place(instruction, src, `s${bits}`)}`
  if (mode !== MODE.mem) return unknown(instruction)
  if (kind === CLASS.ldx) return `r${dst} = ${place(instruction, src, `u${bits}`)}`
  if (kind === CLASS.st) return `${place(instruction, dst, `u${bits}`)} = ${imm}`
  return kind === CLASS.stx ? `${place(instruction, dst, `u${bits}`)} = r${src}` : unknown(instruction)
}

const displaced = ({ offset }: Instruction, base: number): string => `(r${base} ${offset < 0 ? '' : '+'}${offset})`
const place = (instruction: Instruction, base: number, type: string): string =>
  `*(${type} *)${displaced(instruction, base)}`

function wideConstant({ imm, map, mapValue }: Instruction): string {
  if (map === undefined) return hex(BigInt.asUintN(64, BigInt(imm)))
  return mapValue === undefined ? `map[${map}]` : `map[${map}][0]+${mapValue}`
}

function atomic(instruction: Instruction): string {
  const { opcode, dst, src } = instruction
  const operation = Number(instruction.imm)
  const bytes = bytesOf(opcode)
  const bits = bytes * 8
  if (operation === ORDERED.loadAcquire) return `r${dst} = load_acquire((u${bits} *)${displaced(instruction, src)})`
  if (operation === ORDERED.storeRelease) return `store_release((u${bits} *)${displaced(instruction, dst)}, r${src})`
  const name = ATOMIC_NAME[operation & ~ATOMIC.fetch]
  const argument = `(u${bits} *)${displaced(instruction, dst)}`
  const call = bytes === 8 ? 'atomic64' : 'atomic'
  if (bytes < 4) return unknown(instruction)
  if (operation === ATOMIC.xchg) return `r${src} = ${call}_xchg(${argument}, r${src})`
  if (operation === ATOMIC.cmpxchg) return `r0 = ${call}_cmpxchg(${argument}, r0, r${src})`
  if (name === undefined) return unknown(instruction)
  if ((operation & ATOMIC.fetch) !== 0) return `r${src} = ${call}_fetch_${name}(${argument}, r${src})`
  return `lock ${place(instruction, dst, `u${bits}`)} ${ALU_SIGN[operation]} r${src}`
}

/**
 * A listing: what the program is and which maps it has, then every instruction with its slot. Above each run of
 * instructions from one source line stands that line, and above each function its name; `>` marks where a jump arrives.
 *
 *     tc program "switch": 41 instructions, 16 bytes of stack
 *     map stations: lru_hash of 65536, 8 → 16 bytes
 *
 *     dataplane.ts:14  if (!eth) return drop('truncated')
 *           7: r2 = *(u32 *)(r6 +80)
 *           8: if r3 > r2 goto 35
 *     >    35: w0 = 2
 */
export function printProgram(program: Program): string {
  const { instructions, lines } = program
  const functions = new Map((program.functions ?? []).map((one) => [one.slot, one]))
  let count = 0
  const arrivals = new Set<number>()
  for (const instruction of instructions) {
    count += slotsOf(instruction)
    const distance = distanceOf(instruction)
    if (distance !== undefined && !isLocalCall(instruction)) arrivals.add(count + distance)
  }
  const width = Math.max(2, String(count - 1).length)
  const text = [printHeader(program)]
  for (const [name, map] of Object.entries(program.maps)) text.push(printMap(name, map))
  let shown: string | undefined
  let slot = 0
  for (const instruction of instructions) {
    const started = functions.get(slot)
    if (started !== undefined) text.push('', `function ${started.name}(${started.parameters.join(', ')})`)
    const source = lines[instruction.line ?? -1]
    const heading = source === undefined ? '' : printLine(source)
    if (heading !== shown) text.push('', ...(heading === '' ? [] : [heading]))
    shown = heading
    const after = slot + slotsOf(instruction)
    const mark = arrivals.has(slot) ? '>' : ' '
    const called = isLocalCall(instruction) ? functions.get(after + Number(instruction.imm)) : undefined
    const what =
      called === undefined ? print(instruction, (distance) => String(after + distance)) : `call ${called.name}`
    text.push(`  ${mark} ${String(slot).padStart(width)}: ${what}`)
    slot = after
  }
  return `${text.join('\n')}\n`
}

const isLocalCall = ({ opcode, src }: Instruction): boolean => opcode === (CLASS.jmp | JMP.call) && src === CALL.local

function distanceOf({ opcode, offset, src, imm }: Instruction): number | undefined {
  const kind = classOf(opcode)
  const code = opcode & 0xf0
  if ((kind !== CLASS.jmp && kind !== CLASS.jmp32) || code === JMP.exit) return undefined
  if (code === JMP.call) return src === CALL.local ? Number(imm) : undefined
  return code === JMP.ja && kind === CLASS.jmp32 ? Number(imm) : offset
}

const amount = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** What a program is, in a line. */
export function printHeader({ name, hook, instructions, stack }: Program): string {
  const slots = instructions.reduce((sum, instruction) => sum + slotsOf(instruction), 0)
  const wide = slots === instructions.length ? '' : ` in ${slots} slots`
  return `${hook} program "${name}": ${amount(instructions.length, 'instruction')}${wide}, ${amount(stack, 'byte')} of stack`
}

export const printMap = (name: string, { kind, key, value, entries }: MapDescription): string =>
  `map ${name}: ${kind} of ${entries}, ${key.size} → ${amount(value.size, 'byte')}`

const printLine = ({ file, line, text }: SourceLine): string => `${file}:${line}  ${text.trim()}`
