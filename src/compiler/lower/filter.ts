/** A packet filter in classic BPF → SSA: it becomes part of the program where somebody looks. */
import {
  ALU,
  CLASS,
  type ClassicInstruction,
  type ClassicProgram,
  classOf,
  JUMP,
  MODE,
  modeOf,
  operationOf,
  RESULT,
  SIZE,
  SOURCE,
  sizeOf,
  TRANSFER,
} from '../../filter/classic.ts'
import type { Builder } from '../builder.ts'
import type { AluName, Block, Comparison, Value } from '../ir.ts'
import type { Passage } from './packet.ts'
import { WireFrame } from './wire.ts'

/** Goes on at `matches` or at `misses`. `tag`: the outer VLAN tag beside the packet, its 32 bits in host order; 0 without one. */
export function lowerFilter(
  builder: Builder,
  packet: Passage,
  program: ClassicProgram,
  tag: Value,
  matches: Block,
  misses: Block,
): void {
  const [tagged, untagged] = [builder.newBlock(), builder.newBlock()]
  builder.branch('eq', 32, tag, builder.constant(0), untagged, tagged)
  for (const [start, beside] of [
    [untagged, undefined],
    [tagged, tag],
  ] as const) {
    builder.enter(start)
    new Filter(builder, new WireFrame(builder, packet, beside, misses), matches, misses).lower(program)
  }
}

const ARITHMETIC: ReadonlyMap<number, AluName> = new Map([
  [ALU.add, 'add'],
  [ALU.sub, 'sub'],
  [ALU.mul, 'mul'],
  [ALU.div, 'div'],
  [ALU.or, 'or'],
  [ALU.and, 'and'],
  [ALU.lsh, 'lsh'],
  [ALU.rsh, 'rsh'],
  [ALU.mod, 'mod'],
  [ALU.xor, 'xor'],
])

const COMPARISON: ReadonlyMap<number, Comparison> = new Map([
  [JUMP.jeq, 'eq'],
  [JUMP.jgt, 'ugt'],
  [JUMP.jge, 'uge'],
])

const BYTES: ReadonlyMap<number, 1 | 2 | 4> = new Map([
  [SIZE.w, 4],
  [SIZE.h, 2],
  [SIZE.b, 1],
])

class Filter {
  private readonly builder: Builder
  private readonly frame: WireFrame
  private readonly matches: Block
  private readonly misses: Block
  private readonly a: number
  private readonly x: number
  private readonly memory = new Map<number, number>()

  constructor(builder: Builder, frame: WireFrame, matches: Block, misses: Block) {
    this.builder = builder
    this.frame = frame
    this.matches = matches
    this.misses = misses
    this.a = this.variable()
    this.x = this.variable()
  }

  /** All jumps go forwards, so whatever leads to an instruction has been lowered before it. */
  lower(program: ClassicProgram): void {
    const { builder } = this
    for (const slot of program.flatMap(slotOf)) this.memory.set(slot, this.variable())
    const targets = new Map<number, Block>()
    const targetAt = (index: number): Block => {
      const block = targets.get(index) ?? builder.newBlock()
      targets.set(index, block)
      return block
    }
    for (const [index, instruction] of program.entries()) {
      const target = targets.get(index)
      if (target !== undefined) {
        builder.jump(target)
        builder.enter(target)
      }
      // Nothing leads here.
      if (builder.block.end !== undefined) continue
      this.instruction(instruction, (distance) => targetAt(index + 1 + distance))
    }
    builder.jump(this.misses)
  }

  private variable(): number {
    const variable = this.builder.own()
    this.builder.write(variable, this.builder.constant(0))
    return variable
  }

  private instruction(one: ClassicInstruction, targetAt: (distance: number) => Block): void {
    const { builder } = this
    const { code, k } = one
    switch (classOf(code)) {
      case CLASS.ld:
        return builder.write(this.a, this.loaded(one))
      case CLASS.ldx:
        return builder.write(this.x, this.loaded(one))
      case CLASS.st:
        return builder.write(this.slot(k), builder.read(this.a))
      case CLASS.stx:
        return builder.write(this.slot(k), builder.read(this.x))
      case CLASS.alu:
        return builder.write(this.a, this.computed(one))
      case CLASS.jmp:
        return this.jump(one, targetAt)
      case CLASS.ret:
        return this.returned(one)
      default:
        return operationOf(code) === TRANSFER.txa
          ? builder.write(this.a, builder.read(this.x))
          : builder.write(this.x, builder.read(this.a))
    }
  }

  private loaded({ code, k }: ClassicInstruction): Value {
    const { builder, frame } = this
    const size = BYTES.get(sizeOf(code)) ?? 4
    switch (modeOf(code)) {
      case MODE.imm:
        return builder.constant(k)
      case MODE.abs:
        return frame.read(size, k)
      case MODE.ind:
        return frame.read(size, k, builder.read(this.x))
      case MODE.mem:
        return builder.read(this.slot(k))
      case MODE.len:
        return frame.length()
      case MODE.msh: {
        // The length of an IPv4 header: words in the lower half of its first byte.
        const words = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, frame.read(1, k), builder.constant(0x0f))
        return builder.emit({ op: 'alu', alu: 'lsh', bits: 32 }, words, builder.constant(2))
      }
      default:
        throw unknown(code)
    }
  }

  private computed(one: ClassicInstruction): Value {
    const { builder } = this
    const a = builder.read(this.a)
    const operation = operationOf(one.code)
    if (operation === ALU.neg) return builder.emit({ op: 'alu', alu: 'sub', bits: 32 }, builder.constant(0), a)
    const alu = ARITHMETIC.get(operation)
    if (alu === undefined) throw unknown(one.code)
    const by = this.operand(one)
    if (alu === 'lsh' || alu === 'rsh') return this.shifted(alu, a, by)
    if (alu === 'div' || alu === 'mod') this.demand('ne', by, 0)
    return builder.emit({ op: 'alu', alu, bits: 32 }, a, by)
  }

  /** By 32 bits or more, nothing is left; an eBPF machine would look at the low five bits of the distance only. */
  private shifted(alu: 'lsh' | 'rsh', a: Value, by: Value): Value {
    const { builder } = this
    const [near, far, after] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
    const result = builder.own()
    builder.branch('ult', 32, by, builder.constant(32), near, far)
    builder.enter(near)
    builder.write(result, builder.emit({ op: 'alu', alu, bits: 32 }, a, by))
    builder.jump(after)
    builder.enter(far)
    builder.write(result, builder.constant(0))
    builder.jump(after)
    builder.enter(after)
    return builder.read(result)
  }

  private jump(one: ClassicInstruction, targetAt: (distance: number) => Block): void {
    const { builder } = this
    const operation = operationOf(one.code)
    if (operation === JUMP.ja) return builder.jump(targetAt(one.k))
    const [left, right] = [builder.read(this.a), this.operand(one)]
    const [whenTrue, whenFalse] = [targetAt(one.jt), targetAt(one.jf)]
    if (whenTrue === whenFalse) return builder.jump(whenTrue)
    if (operation === JUMP.jset) {
      const common = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, left, right)
      return builder.branch('ne', 32, common, builder.constant(0), whenTrue, whenFalse)
    }
    const comparison = COMPARISON.get(operation)
    if (comparison === undefined) throw unknown(one.code)
    builder.branch(comparison, 32, left, right, whenTrue, whenFalse)
  }

  private returned({ code, k }: ClassicInstruction): void {
    const { builder } = this
    if ((code & RESULT.a) !== RESULT.a) return builder.jump(k === 0 ? this.misses : this.matches)
    builder.branch('ne', 32, builder.read(this.a), builder.constant(0), this.matches, this.misses)
  }

  private operand({ code, k }: ClassicInstruction): Value {
    return (code & SOURCE.x) === SOURCE.x ? this.builder.read(this.x) : this.builder.constant(k)
  }

  private slot(k: number): number {
    const variable = this.memory.get(k)
    if (variable === undefined) throw new Error(`no word ${k} of memory`)
    return variable
  }

  private demand(comparison: 'ne', left: Value, right: number): void {
    const holds = this.builder.newBlock()
    this.builder.branch(comparison, 32, left, this.builder.constant(right), holds, this.misses)
    this.builder.enter(holds)
  }
}

/** The word of memory that an instruction reads or writes. */
function slotOf({ code, k }: ClassicInstruction): readonly number[] {
  const kind = classOf(code)
  const isLoad = (kind === CLASS.ld || kind === CLASS.ldx) && modeOf(code) === MODE.mem
  return isLoad || kind === CLASS.st || kind === CLASS.stx ? [k] : []
}

const unknown = (code: number): Error => new Error(`no instruction of classic BPF has the code ${code}`)
