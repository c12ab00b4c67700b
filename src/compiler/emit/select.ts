/** SSA → instructions on virtual registers. Constants, addresses of maps and of the stack are made where they are used. */
import {
  ALU,
  ATOMIC,
  CALL,
  CLASS,
  HELPER,
  JMP,
  LDDW,
  MAY_GOTO,
  MODE,
  PSEUDO,
  SIZE_OF_BYTES,
  SOURCE,
} from '../../isa/opcodes.ts'
import type { AtomicName } from '../../lang/index.ts'
import {
  type AluName,
  type Block,
  type Comparison,
  type Graph,
  type Memory,
  NEGATED,
  successors,
  type Value,
} from '../ir.ts'
import { isLasting } from '../passes/states.ts'
import type { Position } from '../typed.ts'
import { newConstant } from '../value.ts'
import { nameOf, Wired } from '../wired.ts'
import { immediate, immediateOf, signed32, storedImm, wiredImm } from './immediate.ts'
import {
  type Code,
  type CodeBlock,
  type CodeGraph,
  FIRST_VIRTUAL,
  FRAME,
  newCode,
  type Register,
} from './machine-code.ts'
import { isNear, type Uses, usesOf } from './uses.ts'

/** `drop`: what a program returns that drops the packet. */
export function select(graph: Graph, drop = 0): CodeGraph {
  return new Selection(graph, drop).run()
}

const JUMP: Readonly<Record<Comparison, number>> = {
  eq: JMP.jeq,
  ne: JMP.jne,
  ult: JMP.jlt,
  ule: JMP.jle,
  ugt: JMP.jgt,
  uge: JMP.jge,
  slt: JMP.jslt,
  sle: JMP.jsle,
  sgt: JMP.jsgt,
  sge: JMP.jsge,
}

const ATOMIC_OF: Readonly<Record<AtomicName, number>> = {
  add: ATOMIC.add,
  or: ATOMIC.or,
  and: ATOMIC.and,
  xor: ATOMIC.xor,
  exchange: ATOMIC.xchg,
  compareExchange: ATOMIC.cmpxchg,
}

/** r0 takes the result, r1 to r5 the arguments; a call leaves none of them as it was. */
const CLOBBERED: readonly Register[] = [0, 1, 2, 3, 4, 5]

const MEMORIES: readonly Memory[] = ['constant', 'context', 'packet']

/** The number of a block that no graph has. */
const TRAP = -1

class Selection {
  private readonly graph: Graph
  private readonly drop: number
  /** Where something leads to the block that drops what has used up its budget. */
  private trapped: Position | undefined
  private readonly registers = new Map<Value, Register>()
  private readonly uses: Uses
  /** Masks that the test at the end of their block takes along. */
  private readonly fused = new Set<Value>()
  /** What the program does not change: it can be loaded again instead of being kept. */
  private readonly lasting: ReadonlySet<Memory>
  private next = FIRST_VIRTUAL
  private code: Code[] = []
  /** Registers that hold addresses of cells: until the next call, and not in what several blocks lead to. */
  private addresses = new Map<string, Register>()

  constructor(graph: Graph, drop: number) {
    this.graph = graph
    this.drop = graph.signature === undefined ? drop : 0
    this.uses = usesOf(graph)
    this.lasting = new Set(MEMORIES.filter((from) => isLasting(graph, from)))
  }

  run(): CodeGraph {
    const { blocks } = this.graph
    const addressesAtEnd = new Map<Block, ReadonlyMap<string, Register>>()
    const result = blocks.map((block, index): CodeBlock => {
      this.code = []
      const [only, ...others] = block.predecessors
      this.addresses = new Map(only !== undefined && others.length === 0 ? addressesAtEnd.get(only) : [])
      if (block === this.graph.entry) this.entry()
      this.fuse(block, blocks[index + 1])
      for (const value of block.values) if (!this.fused.has(value)) this.value(value)
      this.end(block, blocks[index + 1])
      addressesAtEnd.set(block, this.addresses)
      return {
        id: block.id,
        code: this.code,
        successors: successors(block).map(({ id }) => id),
        rounds: block.rounds,
        loop: block.loop,
        forks: block.end?.op === 'branch' && block.end.counts !== true,
        rare: block.rare === true,
      }
    })
    if (this.trapped !== undefined) result.push(this.trap(this.trapped))
    return { signature: this.graph.signature, blocks: result, nextRegister: this.next, spills: 0 }
  }

  private trap(at: Position): CodeBlock {
    this.code = []
    this.into(0, newConstant(BigInt(this.drop), at), at)
    this.push({ opcode: CLASS.jmp | JMP.exit, uses: [0], at })
    return { id: TRAP, code: this.code, successors: [], rounds: 1, forks: false, rare: true }
  }

  private mayGoto(at: Position): void {
    this.trapped = at
    this.push({ opcode: MAY_GOTO, target: TRAP, at })
  }

  /** `(x & mask) !== 0` is one instruction, but its opposite is none. */
  private fuse({ end, values }: Block, next: Block | undefined): void {
    if (end?.op !== 'branch' || end.right.op !== 'const' || end.right.value !== 0n) return
    const { left, bits } = end
    const jumpsWhen = end.whenTrue === next ? NEGATED[end.comparison] : end.comparison
    if (jumpsWhen !== 'ne' || left.op !== 'alu' || left.alu !== 'and' || left.bits !== bits) return
    const mask = left.arguments[1]
    const isConstant = mask?.op === 'const' && immediate(mask.value, bits) !== undefined
    if (isConstant && this.uses.count.get(left) === 1 && values.includes(left)) this.fused.add(left)
  }

  /** The context arrives in r1, the arguments of a function in r1 to r5. */
  private entry(): void {
    for (const { values } of this.graph.blocks)
      for (const value of values) {
        if (value.op === 'context') this.move(this.registerOf(value), 1, value.at)
        if (value.op === 'parameter') this.move(this.registerOf(value), 1 + value.index, value.at)
      }
  }

  private fresh(): Register {
    return this.next++
  }

  private registerOf(value: Value): Register {
    // Value numbering leaves one context; every other value has a register of its own.
    const known = this.registers.get(value)
    if (known !== undefined) return known
    const register = this.fresh()
    this.registers.set(value, register)
    return register
  }

  private push(code: Partial<Code> & { opcode: number; at: Position }): void {
    this.code.push(newCode(code))
  }

  private move(dst: Register, src: Register, at: Position): void {
    this.push({ opcode: CLASS.alu64 | SOURCE.x | ALU.mov, dst, src, uses: [src], defs: [dst], move: true, at })
  }

  /** Puts a value into a given register. */
  private into(dst: Register, value: Value, at: Position): void {
    switch (value.op) {
      case 'const': {
        const small = signed32(value.value)
        if (small !== undefined)
          this.push({ opcode: CLASS.alu64 | SOURCE.k | ALU.mov, dst, imm: small, defs: [dst], at })
        else if (value.value <= 0xffffffffn)
          this.push({ opcode: CLASS.alu | SOURCE.k | ALU.mov, dst, imm: Number(value.value) | 0, defs: [dst], at })
        else this.push({ opcode: LDDW, dst, imm: value.value, defs: [dst], at })
        return
      }
      case 'wired': {
        const { wired } = value
        if (wired.isLong) return this.push({ opcode: LDDW, dst, imm: 0n, wired, defs: [dst], at })
        return this.push({ opcode: CLASS.alu64 | SOURCE.k | ALU.mov, dst, ...wiredImm(value), defs: [dst], at })
      }
      case 'map':
        return this.push({ opcode: LDDW, dst, src: PSEUDO.mapFd, map: value.name, defs: [dst], at })
      case 'mapValue':
        return this.push({
          opcode: LDDW,
          dst,
          src: PSEUDO.mapValue,
          map: value.name,
          ...(value.offset instanceof Wired ? { mapValue: 0, wired: value.offset } : { mapValue: value.offset }),
          defs: [dst],
          at,
          again: true,
        })
      case 'stack':
        this.move(dst, FRAME, at)
        return this.push({
          opcode: CLASS.alu64 | SOURCE.k | ALU.add,
          dst,
          object: value.object,
          uses: [dst],
          defs: [dst],
          at,
        })
      default:
        return this.move(dst, this.registerOf(value), at)
    }
  }

  /** A register that holds the value: its own, or a new one for what is made where it is used. */
  private operand(value: Value, at: Position): Register {
    if (!isRemade(value)) return this.registerOf(value)
    const key = value.op === 'mapValue' ? `${nameOf(value.offset)} ${value.name}` : undefined
    const known = key === undefined ? undefined : this.addresses.get(key)
    if (known !== undefined) return known
    const register = this.fresh()
    this.into(register, value, at)
    if (key !== undefined) this.addresses.set(key, register)
    return register
  }

  private value(value: Value): void {
    const { at } = value
    const [a, b, expected] = value.arguments
    if (value.op === 'cleared') return
    if (isRemade(value) || value.op === 'context' || value.op === 'parameter' || value.op === 'phi') return
    if (this.uses.folded.has(value)) return
    if (value.op === 'now') return this.call(value, { imm: HELPER.ktime_get_ns })
    if (value.op === 'call') return this.call(value, { imm: HELPER[value.helper] })
    if (value.op === 'invoke') return this.call(value, { src: CALL.local, callee: value.callee })
    if (value.op === 'mayGoto') return this.mayGoto(at)
    if (a === undefined) throw new Error(`${value.op} without an argument`)
    switch (value.op) {
      case 'load': {
        const { base, offset } = this.address(a, at)
        const dst = this.registerOf(value)
        const opcode = CLASS.ldx | MODE.mem | SIZE_OF_BYTES[value.size]
        return this.push({
          opcode,
          dst,
          src: base,
          offset: offset + value.offset,
          uses: [base],
          defs: [dst],
          at,
          // But for where the packet starts: the verifier would forget which bytes are known to be there.
          again:
            !this.uses.proved.has(value) &&
            base >= FIRST_VIRTUAL &&
            this.lasting.has(value.from) &&
            value.start !== true,
          ...objectOf(a),
        })
      }
      case 'store':
        return this.store(value, a, b)
      case 'atomic':
        return this.atomic(value, a, b, expected)
      case 'low32': {
        const [dst, src] = [this.registerOf(value), this.operand(a, at)]
        return this.push({ opcode: CLASS.alu | SOURCE.x | ALU.mov, dst, src, uses: [src], defs: [dst], at })
      }
      case 'sext32': {
        const dst = this.registerOf(value)
        this.into(dst, a, at)
        for (const shift of [ALU.lsh, ALU.arsh])
          this.push({ opcode: CLASS.alu64 | SOURCE.k | shift, dst, imm: 32, uses: [dst], defs: [dst], at })
        return
      }
      case 'swap': {
        const dst = this.registerOf(value)
        this.into(dst, a, at)
        return this.push({ opcode: CLASS.alu | SOURCE.x | ALU.end, dst, imm: value.bits, uses: [dst], defs: [dst], at })
      }
      case 'alu':
        return this.alu(value, value.alu, value.bits, a, b)
    }
  }

  private alu(value: Value, alu: AluName, bits: 32 | 64, a: Value, b: Value | undefined): void {
    if (b === undefined) throw new Error(`${alu} without a second argument`)
    const { at } = value
    const dst = this.registerOf(value)
    const wide = bits === 64 ? CLASS.alu64 : CLASS.alu
    const given = immediateOf(b, bits)
    if (given !== undefined) {
      this.into(dst, a, at)
      return this.push({ opcode: wide | SOURCE.k | ALU[alu], dst, ...given, uses: [dst], defs: [dst], at })
    }
    const src = this.operand(b, at)
    this.into(dst, a, at)
    this.push({ opcode: wide | SOURCE.x | ALU[alu], dst, src, uses: [dst, src], defs: [dst], at })
  }

  private store(value: Extract<Value, { op: 'store' }>, a: Value, b: Value | undefined): void {
    if (b === undefined) throw new Error('a store without a value')
    const { at, size } = value
    const { base, offset } = this.address(a, at)
    const place = { dst: base, offset: offset + value.offset, at, ...objectOf(a) }
    const given = storedImm(b, size)
    if (given !== undefined)
      return this.push({ ...place, opcode: CLASS.st | MODE.mem | SIZE_OF_BYTES[size], ...given, uses: [base] })
    const src = this.operand(b, at)
    this.push({ ...place, opcode: CLASS.stx | MODE.mem | SIZE_OF_BYTES[size], src, uses: [base, src] })
  }

  /** Without a use of its result, an operation that can do without it leaves its operand as it was. */
  private atomic(
    value: Extract<Value, { op: 'atomic' }>,
    a: Value,
    b: Value | undefined,
    expected: Value | undefined,
  ): void {
    if (b === undefined) throw new Error('an atomic operation without a value')
    const { at, size, operation } = value
    const { base, offset } = this.address(a, at)
    const place = {
      opcode: CLASS.stx | MODE.atomic | SIZE_OF_BYTES[size],
      dst: base,
      offset: offset + value.offset,
      imm: ATOMIC_OF[operation],
      at,
    }
    const used = (this.uses.count.get(value) ?? 0) > 0
    if (expected !== undefined) {
      const src = this.operand(b, at)
      this.into(0, expected, at)
      this.push({ ...place, src, uses: [0, base, src], defs: [0] })
      if (!used) return
      const dst = this.registerOf(value)
      if (size === 8) return this.move(dst, 0, at)
      // Not every kernel's compiler clears the upper half of r0 (Linux before 5.13).
      return this.push({ opcode: CLASS.alu | SOURCE.x | ALU.mov, dst, src: 0, uses: [0], defs: [dst], at })
    }
    if (!used && operation !== 'exchange') {
      const src = this.operand(b, at)
      return this.push({ ...place, src, uses: [base, src] })
    }
    const src = this.registerOf(value)
    this.into(src, b, at)
    this.push({ ...place, src, imm: place.imm | ATOMIC.fetch, uses: [base, src], defs: [src] })
  }

  /** Where a load or store goes: stack objects through the frame pointer, constant distances in the instruction. */
  private address(base: Value, at: Position): { base: Register; offset: number } {
    if (base.op === 'stack') return { base: FRAME, offset: 0 }
    const [inner, distance] = base.arguments
    if (isNear(base) && inner !== undefined && distance?.op === 'const')
      return { base: this.operand(inner, at), offset: Number(distance.value) }
    return { base: this.operand(base, at), offset: 0 }
  }

  private call(value: Value, target: Pick<Partial<Code>, 'imm' | 'src' | 'callee'>): void {
    const { at } = value
    const given = value.arguments.map((_, index) => index + 1)
    for (const [index, argument] of value.arguments.entries()) this.into(index + 1, argument, at)
    this.push({ opcode: CLASS.jmp | JMP.call, ...target, uses: given, defs: [...CLOBBERED], at })
    this.addresses = new Map()
    if ((this.uses.count.get(value) ?? 0) > 0) this.move(this.registerOf(value), 0, at)
  }

  private end(block: Block, next: Block | undefined): void {
    const { end } = block
    if (end === undefined) throw new Error(`block ${block.id} has no end`)
    const { at } = end
    if (end.op === 'return') {
      this.into(0, end.value, at)
      return this.push({ opcode: CLASS.jmp | JMP.exit, uses: [0], at })
    }
    if (end.op === 'jump') {
      this.copyPhis(block, end.to, at)
      return this.jump(end.to, next, at)
    }
    const { whenTrue, whenFalse, bits, left, right } = end
    const turned = whenTrue === next
    const comparison = turned ? NEGATED[end.comparison] : end.comparison
    const target = (turned ? whenFalse : whenTrue).id
    const base = bits === 64 ? CLASS.jmp : CLASS.jmp32
    const [source, mask] = left.arguments
    if (this.fused.has(left) && source !== undefined && mask?.op === 'const') {
      const dst = this.operand(source, at)
      const imm = immediate(mask.value, bits) ?? 0
      this.push({ opcode: base | SOURCE.k | JMP.jset, dst, imm, uses: [dst], target, at })
      return this.jump(turned ? whenTrue : whenFalse, next, at)
    }
    const dst = this.operand(left, at)
    const given = immediateOf(right, bits)
    if (given !== undefined)
      this.push({ opcode: base | SOURCE.k | JUMP[comparison], dst, ...given, uses: [dst], target, at })
    else {
      const src = this.operand(right, at)
      this.push({ opcode: base | SOURCE.x | JUMP[comparison], dst, src, uses: [dst, src], target, at })
    }
    this.jump(turned ? whenTrue : whenFalse, next, at)
  }

  private jump(to: Block, next: Block | undefined, at: Position): void {
    if (to !== next) this.push({ opcode: CLASS.jmp | JMP.ja, target: to.id, at })
  }

  /** All phis of a block take their values at once: through new registers, which coalescing mostly removes again. */
  private copyPhis(block: Block, to: Block, at: Position): void {
    const index = to.predecessors.indexOf(block)
    const copies: { readonly phi: Register; readonly between: Register }[] = []
    for (const phi of to.values) {
      const value = phi.op === 'phi' ? phi.arguments[index] : undefined
      if (value === undefined) continue
      const between = this.fresh()
      this.into(between, value, at)
      copies.push({ phi: this.registerOf(phi), between })
    }
    for (const { phi, between } of copies) this.move(phi, between, at)
  }
}

const REMADE: ReadonlySet<Value['op']> = new Set(['const', 'wired', 'map', 'mapValue', 'stack'])
const isRemade = ({ op }: Value): boolean => REMADE.has(op)

const objectOf = (value: Value) => (value.op === 'stack' ? { object: value.object } : {})
