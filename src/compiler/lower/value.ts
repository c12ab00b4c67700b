/** Values and references of the typed tree → SSA; conditions are in condition.ts, statements in lower.ts. */
import type { Builder } from '../builder.ts'
import type { Block, Value } from '../ir.ts'
import { octet, type Pieces, piecesOf } from '../pieces.ts'
import { Decisive } from '../shared.ts'
import type { Typed, TypedFunction, TypedStatement, ValueType, Variable } from '../typed.ts'
import { MAP } from '../wiring.ts'
import { addressPieces, maskPieces, numberOfPieces, octetPieces, piecesOfNumber } from './address.ts'
import { arithmetic, complemented, convert, negated } from './arithmetic.ts'
import type { Checksums } from './checksum.ts'
import { chosen, elementOf, inPacket, referenceTo } from './chosen.ts'
import { type Conditions, lowerCondition } from './condition.ts'
import type { Verdicts } from './exits.ts'
import { loadField } from './field.ts'
import { type Frame, type LowerOptions, partsOf } from './frame.ts'
import { type Callee, parted } from './function.ts'
import type { Looks } from './look.ts'
import { TcMover } from './move-tc.ts'
import { XdpMover } from './move-xdp.ts'
import { OWN, type Passage } from './packet.ts'
import { readPacket } from './read.ts'
import type { PacketReference, Reference } from './reference.ts'
import { stateReference } from './state.ts'
import type { Traces } from './trace.ts'

/** Numbers for SSA variables: each source variable may have several pieces. */
export const VARIABLE_STRIDE = 4

export abstract class ValueLowering implements Conditions {
  readonly builder: Builder
  readonly packet: Passage
  readonly options: LowerOptions
  readonly exits: Verdicts
  readonly traces: Traces | undefined
  protected readonly looks: Looks | undefined
  protected readonly checksums: Checksums
  protected readonly references = new Map<Variable, Reference>()
  /** Functions that are called; the others are compiled in. */
  protected readonly callees: ReadonlyMap<TypedFunction, Callee>
  /** The address of the lock that is held. */
  lock: Value | undefined
  /** In a function that is given it: the time. */
  protected time: Value | undefined
  /** Where `return` of the function being compiled goes; empty in the data plane itself. */
  protected readonly returns: { to: Block; result: number }[] = []
  /** Where `continue` and `break` go; a switch knows only the latter. */
  protected readonly loops: { next: Block | undefined; after: Block }[] = []
  /** Of the packet, how far this reads. */
  farthest = 0
  /** Results of inlined calls: variables that no source names. */
  protected nextResult = -VARIABLE_STRIDE * 3

  constructor(frame: Frame, options: LowerOptions, callees: ReadonlyMap<TypedFunction, Callee>) {
    const { exits, traces, looks, checksums } = partsOf(frame, options)
    this.builder = frame.builder
    this.packet = frame.packet
    this.options = options
    this.exits = exits
    this.traces = traces
    this.looks = looks
    this.checksums = checksums
    this.callees = callees
  }

  nameOf(map: string): string {
    return `${this.options.prefix}${map}`
  }

  map(name: string): Value {
    return this.builder.emit({ op: 'map', name: this.nameOf(name) })
  }

  assign(variable: Variable, value: Typed): void {
    if (value.type.kind === 'reference') this.references.set(variable, this.reference(value))
    else this.writePieces(variable.id * VARIABLE_STRIDE, this.value(value))
  }

  protected writePieces(variable: number, pieces: Pieces): void {
    for (const [index, piece] of pieces.entries()) this.builder.write(variable + index, piece)
  }

  /** First all of them, and then the parameters: what computes one may call the same function. */
  protected bindArguments({ callee, arguments: given }: Extract<Typed, { op: 'call' }>): void {
    const values = given.map((one) => (one.type.kind === 'reference' ? this.reference(one) : this.value(one)))
    for (const [index, variable] of callee.parameters.entries()) {
      const value = values[index]
      if (value === undefined) throw new Error(`${callee.name} lacks ${variable.name}`)
      if ('pointer' in value) this.references.set(variable, value)
      else this.writePieces(variable.id * VARIABLE_STRIDE, value)
    }
  }

  protected call(node: Extract<Typed, { op: 'call' }>): Pieces {
    const callee = this.lock === undefined ? this.callees.get(node.callee) : undefined
    if (callee !== undefined) return this.invoke(node, callee)
    this.bindArguments(node)
    return this.compiledIn(node.callee.body, node.type)
  }

  /** Arguments first: the kernel can be asked nothing while the lock is held, not even to call a function. */
  protected withLock({ call, lock }: Extract<Typed, { op: 'withLock' }>): Pieces {
    const { builder } = this
    this.bindArguments(call)
    const [entry] = call.callee.parameters
    const pointer = entry && this.references.get(entry)?.pointer
    if (pointer === undefined) throw new Error('no entry to lock')
    builder.at = call.at
    const at = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, pointer, builder.constant(lock))
    builder.emit({ op: 'call', helper: 'spin_lock' }, at)
    this.lock = at
    const result = this.compiledIn(call.callee.body, call.type)
    this.lock = undefined
    builder.at = call.at
    builder.emit({ op: 'call', helper: 'spin_unlock' }, at)
    return result
  }

  protected invoke(node: Extract<Typed, { op: 'call' }>, { signature, context, time, pure }: Callee): Pieces {
    const { builder } = this
    const given = node.arguments.flatMap((one) => this.value(one))
    builder.at = node.at
    if (time) given.unshift(this.now())
    if (context) given.unshift(builder.emit({ op: 'context' }))
    const result = builder.emit({ op: 'invoke', callee: signature.name, pure }, ...given)
    return parted(builder, result, node.type)
  }

  /** A body in place, its returns joined. */
  protected compiledIn(body: readonly TypedStatement[], type: ValueType): Pieces {
    const { builder } = this
    const pieces = type.kind === 'void' || type.kind === 'record' ? 0 : piecesOf(type).length
    const result = this.nextResult
    this.nextResult -= VARIABLE_STRIDE
    const to = builder.newBlock()
    this.returns.push({ to, result })
    const loops = this.loops.splice(0)
    this.statements(body)
    this.loops.push(...loops)
    this.returns.pop()
    builder.jump(to)
    builder.enter(to)
    return Array.from({ length: pieces }, (_, index) => builder.read(result + index))
  }

  scalar(node: Typed): Value {
    const [piece] = this.value(node)
    if (piece === undefined) throw new Error(`no value for ${node.op}`)
    return piece
  }

  value(node: Typed): Pieces {
    const { builder } = this
    builder.at = node.at
    switch (node.op) {
      case 'constant':
        return [this.integer(node.value, node.type)]
      case 'wired':
        if (node.type.kind === 'constant') throw new Decisive(`${node.wired.name} without a type`, [node.wired])
        return [builder.constant(node.wired)]
      case 'variable':
        return piecesOf(node.type).map((_, index) => builder.read(node.variable.id * VARIABLE_STRIDE + index))
      case 'field':
        return this.field(node)
      case 'byte':
        return [octet(builder, this.value(node.base), node.base.type, node.index)]
      case 'address':
        return addressPieces(builder, node.type, node.octets)
      case 'octets':
        return octetPieces(
          builder,
          node.type,
          node.elements.map((one) => this.scalar(one)),
        )
      case 'mask':
        return maskPieces(builder, node.type, this.value(node.base), this.scalar(node.length))
      case 'length':
        return [this.packet.length()]
      case 'segmentSize':
        return [this.packet.segmentSize()]
      case 'vlan':
        return [this.packet.vlan()]
      case 'now':
        return [this.now()]
      case 'arithmetic':
        return [this.arithmetic(node)]
      case 'negate':
        return [negated(builder, node.type, this.scalar(node.operand))]
      case 'complement':
        return [complemented(builder, node.type, this.scalar(node.operand))]
      case 'convert':
        if (node.operand.type.kind === 'address')
          return [numberOfPieces(builder, node.operand.type, this.value(node.operand))]
        if (node.type.kind === 'address') return piecesOfNumber(builder, node.type, this.scalar(node.operand))
        return [convert(builder, this.scalar(node.operand), node.operand.type, node.type)]
      case 'compare':
      case 'isNull':
      case 'not':
      case 'and':
      case 'or':
      case 'set':
      case 'add':
      case 'replace':
      case 'push':
      case 'emit':
      case 'has':
      case 'delete':
      case 'move':
      case 'encapsulate':
      case 'decapsulate':
        return this.choose(
          node,
          () => [builder.constant(1)],
          () => [builder.constant(0)],
        )
      case 'conditional':
        return this.choose(
          node.test,
          () => this.value(node.whenTrue),
          () => this.value(node.whenFalse),
        )
      case 'bound':
        this.assign(node.variable, node.value)
        return this.value(node.body)
      case 'call':
        return this.call(node)
      case 'withLock':
        return this.withLock(node)
      case 'atomic':
        return [this.atomic(node)]
      default:
        throw new Error(`${node.op} has no value`)
    }
  }

  protected atomic(node: Extract<Typed, { op: 'atomic' }>): Value {
    const { builder } = this
    const { operation, field } = node
    const { pointer } = this.reference(node.base)
    const operands = node.operands.map((one) => this.scalar(one))
    builder.at = node.at
    const size = field.layout.size === 8 ? 8 : 4
    // The instruction compares with r0 and takes the new value as its operand.
    return builder.emit({ op: 'atomic', operation, size, offset: field.offset }, pointer, ...operands.reverse())
  }

  /** A boolean constant is a 32-bit 0 or 1; integers are wrapped to their type and kept as registers hold them. */
  protected integer(value: bigint, type: ValueType): Value {
    const bits = type.kind === 'int' && type.bits === 64 ? 64 : type.kind === 'constant' ? 64 : 32
    return this.builder.constant(BigInt.asUintN(bits, value))
  }

  protected choose(test: Typed, whenTrue: () => Pieces, whenFalse: () => Pieces): Pieces {
    const is = this.builder.newBlock()
    const isNot = this.builder.newBlock()
    this.condition(test, is, isNot)
    return this.join(is, isNot, whenTrue, whenFalse)
  }

  /** Two ways to a value, and where they meet. */
  join(is: Block, isNot: Block, whenTrue: () => Pieces, whenFalse: () => Pieces): Pieces {
    const { builder } = this
    const result = this.nextResult
    this.nextResult -= VARIABLE_STRIDE
    const after = builder.newBlock()
    builder.enter(is)
    const pieces = whenTrue()
    this.writePieces(result, pieces)
    builder.jump(after)
    builder.enter(isNot)
    this.writePieces(result, whenFalse())
    builder.jump(after)
    builder.enter(after)
    return pieces.map((_, index) => builder.read(result + index))
  }

  private field(node: Extract<Typed, { op: 'field' }>): Pieces {
    const pieces = loadField(this, this.reference(node.base), node.field, node.struct, node.at)
    if (this.lock === undefined) this.traces?.read(node.at, node.struct.name, node.field, node.type, pieces)
    return pieces
  }

  condition(node: Typed, whenTrue: Block, whenFalse: Block): void {
    lowerCondition(this, node, whenTrue, whenFalse)
  }

  protected arithmetic(node: Extract<Typed, { op: 'arithmetic' }>): Value {
    const { type, operator } = node
    const left = this.scalar(node.left)
    const right = this.scalar(node.right)
    this.builder.at = node.at
    return arithmetic(this.builder, operator, type, left, right)
  }

  protected now(): Value {
    const { builder } = this
    if (this.options.clock === 'kernel') return this.time ?? builder.emit({ op: 'now' })
    const cell = builder.emit({ op: 'mapValue', name: MAP.clock, offset: 0 })
    return builder.emit({ op: 'load', size: 8, offset: 0, from: 'constant' }, cell)
  }

  reference(node: Typed): Reference {
    const { builder } = this
    builder.at = node.at
    switch (node.op) {
      case 'variable': {
        const known = this.references.get(node.variable)
        if (known === undefined) throw new Error(`no reference in ${node.variable.name}`)
        return known
      }
      case 'read': {
        const offset = this.scalar(node.offset)
        builder.at = node.at
        const header = readPacket(builder, this.packet, offset, node.struct.size)
        const part: PacketReference = { ...header, within: this.around(node.within) }
        return part
      }
      case 'element':
        return elementOf(this, this.packet, node)
      case 'bound':
        this.assign(node.variable, node.value)
        return this.reference(node.body)
      case 'conditional':
        return chosen(this, node)
      case 'call': {
        this.bindArguments(node)
        const [pointer] = this.compiledIn(node.callee.body, node.type)
        if (pointer === undefined) throw new Error(`${node.callee.name} returns nothing`)
        return referenceTo(builder, pointer, node.type)
      }
      case 'get':
      case 'cell':
      case 'pop':
      case 'peek':
        return stateReference(this, node)
      default:
        throw new Error(`${node.op} is no reference`)
    }
  }

  protected around(node: Typed | undefined): PacketReference['within'] {
    if (node === undefined) return undefined
    if (node.type.kind !== 'reference') throw new Error(`${node.op} is no header`)
    return { header: inPacket(this.builder, this.packet, this.reference(node)), struct: node.type.struct }
  }

  /** 0 where it was done. */
  move(node: Extract<Typed, { op: 'move' | 'encapsulate' | 'decapsulate' }>): Value {
    const mover = new MOVERS[this.options.hook](this.builder, this.packet, (...ways) => this.join(...ways))
    const operands = node.op === 'move' ? node.operands.map((one) => this.scalar(one)) : []
    this.builder.at = node.at
    this.checksums.settle(false)
    this.builder.write(OWN.room, this.builder.constant(0))
    return node.op === 'move' ? mover.move(node.move, operands) : mover[node.op](node.tunnel)
  }

  protected abstract statements(list: readonly TypedStatement[]): void
}

const MOVERS = { tc: TcMover, xdp: XdpMover } as const
