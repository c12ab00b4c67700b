import {
  ALU,
  ATOMIC,
  bytesOf,
  CALL,
  CALLX,
  CLASS,
  classOf,
  HELPER,
  JMP,
  LDDW,
  LIMIT,
  MODE,
  SK_BUFF,
  SOURCE,
  XDP_MD,
} from '../../isa/opcodes.ts'
import { type Instruction, isDevmap, isKeyless, type MapDescription, type Program } from '../../isa/program.ts'
import {
  AT_SLOTS,
  AT_WRITTEN,
  clobber,
  constant,
  forgetSlots,
  foundAt,
  inFrame,
  isCertain,
  isWritten,
  kindOf,
  offsetOf,
  POINTER,
  pointer,
  referenceOf,
  STATE,
  type State,
  sum,
} from './knowledge.ts'
import { isKnown } from './liveness.ts'
import { References, type Translated } from './open.ts'

/** What is found out about a program on the way. */
export interface Findings {
  /** A pointer to a stack is where it cannot be followed, or a helper may write where it is not known. */
  escaped: boolean
  /** Stack is read of which it is not certain that it was written. */
  unproven: boolean
}

/** In place of a helper's number that is in a register. */
const UNKNOWN = -1

/** How instructions change what is known. */
export class Follower {
  readonly #program: Program
  readonly #maps: readonly MapDescription[]
  readonly #references: References
  readonly findings: Findings = { escaped: false, unproven: false }
  /** Whether there may be pointers to stacks that are not known. */
  readonly #wild: boolean

  constructor(program: Program, wild: boolean) {
    this.#program = program
    this.#maps = Object.values(program.maps)
    this.#references = new References(program)
    this.#wild = wild
  }

  /** By its number, the map that something points to. */
  map(known: number): number {
    return this.#references.map(referenceOf(known))
  }

  /** The same, described. */
  description(known: number): MapDescription | undefined {
    return this.#maps[this.map(known)]
  }

  /** The packet pointer that a field of the context is: `data`, `data_end`, or undefined. */
  packetField(offset: number, size: number): 'data' | 'end' | undefined {
    if (size !== 4) return undefined
    const fields = this.#program.hook === 'tc' ? SK_BUFF : XDP_MD
    if (offset === fields.data || offset === fields.data_meta) return 'data'
    return offset === fields.data_end ? 'end' : undefined
  }

  /** Changes `state` to what is known behind the instruction at `index`. */
  step(state: State, instruction: Instruction, index: number): void {
    const { opcode } = instruction
    switch (classOf(opcode)) {
      case CLASS.alu64:
        this.#compute(state, instruction)
        return
      case CLASS.alu:
        this.#compute32(state, instruction)
        return
      case CLASS.ld:
        state[instruction.dst] = opcode === LDDW ? this.#wide(instruction) : POINTER.unknown
        return
      case CLASS.ldx:
        this.#load(state, instruction)
        return
      case CLASS.st:
      case CLASS.stx:
        this.#store(state, instruction)
        return
      default:
        this.#jump(state, instruction, index)
    }
  }

  /** Joins what is known by two ways. `live`: which registers are still read. Whether `into` has changed. */
  join(into: State, from: State, live: number): boolean {
    let changed = false
    for (let i = 0; i < AT_WRITTEN; i++) {
      const [a, b] = [into[i] ?? 0, from[i] ?? 0]
      if (a === b || a === POINTER.unknown) {
        if (a !== b && (i >= AT_SLOTS || ((live >> i) & 1) === 1)) this.#lose(b)
        continue
      }
      if (i >= AT_SLOTS || ((live >> i) & 1) === 1) {
        this.#lose(a)
        this.#lose(b)
      }
      into[i] = POINTER.unknown
      changed = true
    }
    for (let i = AT_WRITTEN; i < STATE; i++) {
      const both = (into[i] ?? 0) & (from[i] ?? 0)
      if (both !== into[i]) changed = true
      into[i] = both
    }
    return changed
  }

  /** What a condition says about a lookup's result, where it holds (or does not). */
  refine(state: State, { opcode, dst, src, imm, open }: Translated, holds: boolean): void {
    const known = state[dst] ?? 0
    const code = opcode & 0xf0
    if (classOf(opcode) !== CLASS.jmp || kindOf(known) !== POINTER.nullable) return
    const isZero =
      (opcode & SOURCE.x) === 0 ? open === undefined && Number(imm) === 0 : state[src] === pointer(POINTER.constant, 0)
    if (!isZero || (code !== JMP.jeq && code !== JMP.jne)) return
    const isNull = (code === JMP.jeq) === holds
    const becomes = isNull ? pointer(POINTER.constant, 0) : pointer(POINTER.value, 0, referenceOf(known))
    for (let i = 0; i < AT_WRITTEN; i++) if (state[i] === known) state[i] = becomes
  }

  /** A pointer goes where it is not followed. */
  #lose(known: number): void {
    if (kindOf(known) === POINTER.stack) this.findings.escaped = true
  }

  #compute(state: State, instruction: Translated): void {
    const { opcode, dst, src, offset } = instruction
    const code = opcode & 0xf0
    const isRegister = (opcode & SOURCE.x) !== 0 && code !== ALU.end
    const left = state[dst] ?? 0
    const right = isRegister ? (state[src] ?? 0) : immediate(instruction)
    if (code === ALU.mov && (offset === 0 || !isRegister)) {
      state[dst] = right
      return
    }
    if (code === ALU.add || code === ALU.sub) {
      const result = sum(left, right, code === ALU.sub)
      if (result !== POINTER.unknown) {
        state[dst] = result
        return
      }
    }
    if (code !== ALU.mov) this.#lose(left)
    if (isRegister) this.#lose(right)
    state[dst] = POINTER.unknown
  }

  #compute32(state: State, instruction: Translated): void {
    const { opcode, dst, src, offset } = instruction
    const code = opcode & 0xf0
    const isRegister = (opcode & SOURCE.x) !== 0 && code !== ALU.end
    if (code !== ALU.mov) this.#lose(state[dst] ?? 0)
    const right = isRegister ? (state[src] ?? 0) : immediate(instruction)
    if (isRegister) this.#lose(right)
    const isKept = code === ALU.mov && offset === 0 && kindOf(right) === POINTER.constant && offsetOf(right) >= 0
    state[dst] = isKept ? right : POINTER.unknown
  }

  #wide(instruction: Instruction): number {
    const { map, mapValue } = instruction
    if (map === undefined) return immediate(instruction)
    const reference = this.#references.of(instruction)
    return mapValue === undefined ? pointer(POINTER.map, 0, reference) : pointer(POINTER.value, mapValue, reference)
  }

  #load(state: State, { opcode, dst, src, offset }: Instruction): void {
    const base = state[src] ?? 0
    const size = bytesOf(opcode)
    const at = offsetOf(base) + offset
    state[dst] = POINTER.unknown
    if (kindOf(base) === POINTER.context && (opcode & 0xe0) === MODE.mem && this.packetField(at, size) === 'data')
      state[dst] = pointer(POINTER.packet, 0)
    if (kindOf(base) !== POINTER.stack || !inFrame(at, size)) return
    if (!isWritten(state, at, size)) this.findings.unproven = true
    if (size === 8 && at % 8 === 0) state[dst] = state[AT_SLOTS + (LIMIT.stack + at) / 8] ?? 0
  }

  #store(state: State, { opcode, dst, src, offset, imm }: Instruction): void {
    const base = state[dst] ?? 0
    const size = bytesOf(opcode)
    const at = offsetOf(base) + offset
    const isRegister = classOf(opcode) === CLASS.stx
    const isAtomic = isRegister && (opcode & 0xe0) === MODE.atomic
    const value = isRegister ? (state[src] ?? 0) : POINTER.unknown
    const isSlot = kindOf(base) === POINTER.stack && inFrame(at, size) && size === 8 && at % 8 === 0 && !isAtomic
    if (!isSlot) this.#lose(value)
    if (kindOf(base) === POINTER.stack && inFrame(at, size)) {
      if (isAtomic && !isWritten(state, at, size)) this.findings.unproven = true
      this.#overwrite(state, at, size)
      if (isSlot) state[AT_SLOTS + (LIMIT.stack + at) / 8] = value
    } else if (!isCertain(base) && this.#wild) forgetSlots(state)
    if (!isAtomic || (Number(imm) & ATOMIC.fetch) === 0) return
    if (Number(imm) === ATOMIC.cmpxchg) this.#lose(state[0] ?? 0)
    state[Number(imm) === ATOMIC.cmpxchg ? 0 : src] = POINTER.unknown
  }

  /** Bytes of the frame are written with who knows what. */
  #overwrite(state: State, offset: number, size: number): void {
    const start = LIMIT.stack + offset
    for (let i = start; i < start + size; i++) {
      const word = AT_WRITTEN + (i >> 5)
      state[word] = (state[word] ?? 0) | (1 << (i & 31))
    }
    for (let slot = start >> 3; slot << 3 < start + size; slot++) state[AT_SLOTS + slot] = POINTER.unknown
  }

  #jump(state: State, { opcode, src, imm }: Instruction, index: number): void {
    const code = opcode & 0xf0
    if (code === JMP.exit) this.#lose(state[0] ?? 0)
    if (code !== JMP.call) return
    if (src === CALL.local) {
      for (let register = 1; register <= 5; register++) this.#lose(state[register] ?? 0)
      if (this.#wild) forgetSlots(state)
      clobber(state, POINTER.unknown)
      return
    }
    const helper = opcode === CALLX ? UNKNOWN : Number(imm)
    this.#checkArguments(state, helper)
    const result = helper === HELPER.map_lookup_elem ? this.#found(state, index) : POINTER.unknown
    clobber(state, result)
  }

  /** What a lookup gives. What an earlier one at the same place gave is not known as such any more. */
  #found(state: State, index: number): number {
    const map = state[1] ?? 0
    const description = this.description(map)
    if (kindOf(map) !== POINTER.map || description === undefined || !hasValues(description)) return POINTER.unknown
    const found = foundAt(index, referenceOf(map))
    for (let i = 0; i < AT_WRITTEN; i++) if (state[i] === found) state[i] = POINTER.unknown
    return found
  }

  /** What helpers read from the stack must have been written; what they write there is then. */
  #checkArguments(state: State, helper: number): void {
    const description = kindOf(state[1] ?? 0) === POINTER.map ? this.description(state[1] ?? 0) : undefined
    switch (helper) {
      case HELPER.map_lookup_elem:
      case HELPER.map_delete_elem:
        this.#read(state, 2, description?.key.size)
        return
      case HELPER.map_update_elem:
        this.#read(state, 2, description?.key.size)
        this.#read(state, 3, description?.value.size)
        return
      case HELPER.map_push_elem:
        this.#read(state, 2, description?.value.size)
        return
      case HELPER.ringbuf_output:
        this.#read(state, 2, constant(state[3] ?? 0))
        return
      case HELPER.map_peek_elem:
        // Of a Bloom filter, a question: what is asked for is read.
        if (description?.kind === 'bloom_filter') this.#read(state, 2, description.value.size)
        else this.#write(state, 2, description?.value.size)
        return
      case HELPER.map_pop_elem:
        this.#write(state, 2, description?.value.size)
        return
      case HELPER.skb_load_bytes:
      case HELPER.xdp_load_bytes:
        this.#write(state, 3, constant(state[4] ?? 0))
        return
      default:
        if (isKnown(helper)) return
        this.findings.escaped = true
        forgetSlots(state)
    }
  }

  #read(state: State, register: number, size: number | undefined): void {
    const known = state[register] ?? 0
    if (kindOf(known) !== POINTER.stack) return
    if (size === undefined || !inFrame(offsetOf(known), size) || !isWritten(state, offsetOf(known), size))
      this.findings.unproven = true
  }

  #write(state: State, register: number, size: number | undefined): void {
    const known = state[register] ?? 0
    if (kindOf(known) === POINTER.stack && size !== undefined && inFrame(offsetOf(known), size))
      this.#overwrite(state, offsetOf(known), size)
    else if (!isCertain(known) || kindOf(known) === POINTER.stack) {
      this.findings.escaped = true
      forgetSlots(state)
    }
  }
}

const immediate = ({ imm, open }: Translated): number =>
  open === undefined ? pointer(POINTER.constant, Number(imm)) : POINTER.unknown

/** Values to which programs have pointers. */
const hasValues = ({ kind }: MapDescription): boolean => !isKeyless(kind) && !isDevmap(kind) && kind !== 'array_of_maps'
