/** Values, conditions and references of the typed tree → SSA; statements are in lower.ts. */
import type { Hook } from '../../isa/program.ts'
import type { Comparisons } from '../assembly.ts'
import { Builder } from '../builder.ts'
import type { Cube } from '../cube.ts'
import type { Block, Value } from '../ir.ts'
import type { Look } from '../look.ts'
import { octet, type Pieces, piecesOf, width } from '../pieces.ts'
import { Decisive } from '../shared.ts'
import type { Position, Typed, TypedFunction, TypedStatement, ValueType, Variable } from '../typed.ts'
import { MAP, type NodeWiring, rowsOf } from '../wiring.ts'
import type { EarlyAccounts } from './account.ts'
import { addressPieces, maskPieces, numberOfPieces, octetPieces, piecesOfNumber } from './address.ts'
import { arithmetic, convert } from './arithmetic.ts'
import { Checksums } from './checksum.ts'
import { chosen, elementOf, type References, referenceTo } from './chosen.ts'
import { compare } from './compare.ts'
import { Copying } from './copies.ts'
import { Counts } from './counts.ts'
import type { ExitParts, Verdicts } from './exits.ts'
import { TcExits } from './exits-tc.ts'
import { XdpExits } from './exits-xdp.ts'
import { loadField } from './field.ts'
import { type Callee, parted } from './function.ts'
import { Looks } from './look.ts'
import { TcMover } from './move-tc.ts'
import { XdpMover } from './move-xdp.ts'
import { OWN, type Passage, passageOf } from './packet.ts'
import { emitWithPacket } from './punt.ts'
import { readPacket } from './read.ts'
import { isInPacket, type PacketReference, type Reference } from './reference.ts'
import { ReturnedVerdicts } from './returned-verdicts.ts'
import { stateCall, stateReference } from './state.ts'
import { type TraceSites, Traces } from './trace.ts'

/** What all nodes of a program have in common. */
export interface ProgramOptions {
  /** CPUs that counters have places for. */
  readonly cpus: number
  readonly hook: Hook
  readonly direction: 'ingress' | 'egress'
  /** See marked.ts. */
  readonly passesMarked?: boolean | undefined
  /** As {@link Assembly.isNext}. */
  readonly isNext?: boolean | undefined
  /** `returned`: not wired to anything, see returned-verdicts.ts. */
  readonly verdicts?: 'wired' | 'returned' | undefined
  /** Where `now()` reads: the kernel's monotonic clock, or a cell that tests write. */
  readonly clock: 'kernel' | 'cell'
  /** `none`: all functions are compiled in. */
  readonly calls: 'planned' | 'none'
  /** What somebody wants to see of it. */
  readonly look?: Look | undefined
  readonly comparisons?: Comparisons | undefined
  readonly early: EarlyAccounts
}

export interface LowerOptions extends ProgramOptions {
  readonly cube: Cube
  /** Before the names of the instance's maps. */
  readonly prefix: string
  readonly wiring: NodeWiring
}

/** What is being built: the program, or a function of it. */
export interface Frame {
  readonly builder: Builder
  readonly packet: Passage
  /** Where the nodes of the program begin. */
  readonly nodes: readonly Block[]
  /** The number of the CPU, as counters know it. */
  readonly cpu: () => Value
  /** Of what is traced. */
  readonly sites?: TraceSites | undefined
}

/** Of a function. */
export function frameOf(start: Position, options: ProgramOptions): Frame {
  const builder = new Builder(start)
  return { builder, packet: passageOf(options, builder), nodes: [], cpu: () => cpuNumber(builder, options.cpus) }
}

/** Of the program, which asks for its CPU once, at the start. */
export function programFrame(start: Position, options: ProgramOptions, nodes: number): Frame {
  const { builder, packet } = frameOf(start, options)
  // Value numbering finds the context wherever another one is asked for.
  builder.emit({ op: 'context' })
  const cpu = options.verdicts === 'returned' ? builder.constant(0) : cpuNumber(builder, options.cpus)
  return { builder, packet, nodes: Array.from({ length: nodes }, () => builder.newBlock()), cpu: () => cpu }
}

function cpuNumber(builder: Builder, cpus: number): Value {
  if (cpus === 1) return builder.constant(0)
  const number = builder.emit({ op: 'call', helper: 'get_smp_processor_id' })
  return builder.emit({ op: 'alu', alu: 'and', bits: 64 }, number, builder.constant(rowsOf(cpus) - 1))
}

/** Conditions that are made of others, or known. */
const JOINED: ReadonlySet<Typed['op']> = new Set(['constant', 'not', 'and', 'or', 'bound'])

/** Numbers for SSA variables: each source variable may have several pieces. */
export const VARIABLE_STRIDE = 4

export abstract class ValueLowering implements References {
  readonly builder: Builder
  protected readonly packet: Passage
  protected readonly checksums: Checksums
  protected readonly exits: Verdicts
  /** Whoever looks. */
  protected readonly looks: Looks | undefined
  protected readonly traces: Traces | undefined
  protected readonly options: LowerOptions
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
    const { builder, packet, nodes, sites } = frame
    this.builder = builder
    this.options = options
    this.callees = callees
    this.packet = packet
    this.checksums = new Checksums(builder, packet, options.hook, options.early.next())
    const settle = (isLast: boolean) => this.checksums.settle(isLast)
    const { cube, prefix, look, comparisons } = options
    const instance = prefix.slice(0, -1)
    this.traces = sites && new Traces(frame, sites, cube, instance)
    this.looks = look && new Looks(builder, packet, cube, instance, look, this.traces)
    const counts = new Counts(frame, {
      cube,
      prefix,
      capacity: options.wiring.capacity,
      looks: this.looks,
      comparisons,
    })
    this.exits =
      options.verdicts === 'returned'
        ? new ReturnedVerdicts(builder, packet, settle)
        : new EXITS[options.hook]({
            ...options,
            builder,
            packet,
            counts,
            traces: this.traces,
            copying: new Copying(frame),
            settle,
            nodes,
          })
  }

  nameOf(map: string): string {
    return `${this.options.prefix}${map}`
  }

  map(name: string): Value {
    return this.builder.emit({ op: 'map', name: this.nameOf(name) })
  }

  protected assign(variable: Variable, value: Typed): void {
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

  protected scalar(node: Typed): Value {
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
        return [
          builder.emit(
            { op: 'alu', alu: 'sub', bits: width(node.type) },
            builder.constant(0),
            this.scalar(node.operand),
          ),
        ]
      case 'complement': {
        const bits = width(node.type)
        const ones = builder.constant(bits === 64 ? 2n ** 64n - 1n : 0xffffffffn)
        return [builder.emit({ op: 'alu', alu: 'xor', bits }, this.scalar(node.operand), ones)]
      }
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

  /** Where nobody traces, there is nothing between the decision and what follows. */
  condition(node: Typed, whenTrue: Block, whenFalse: Block): void {
    const { builder, traces } = this
    if (traces === undefined || this.lock !== undefined || JOINED.has(node.op))
      return this.decide(node, whenTrue, whenFalse)
    const [is, isNot] = [builder.newBlock(), builder.newBlock()]
    this.decide(node, is, isNot)
    for (const [block, outcome, next] of [
      [is, true, whenTrue],
      [isNot, false, whenFalse],
    ] as const) {
      builder.enter(block)
      if (block.predecessors.length > 0) traces.decided(node.at, outcome !== (node.op === 'isNull'))
      builder.jump(next)
    }
  }

  private decide(node: Typed, whenTrue: Block, whenFalse: Block): void {
    const { builder } = this
    builder.at = node.at
    switch (node.op) {
      case 'constant':
        return builder.jump(node.value === 0n ? whenFalse : whenTrue)
      case 'not':
        return this.condition(node.operand, whenFalse, whenTrue)
      case 'and':
      case 'or': {
        const right = builder.newBlock()
        if (node.op === 'and') this.condition(node.left, right, whenFalse)
        else this.condition(node.left, whenTrue, right)
        builder.enter(right)
        return this.condition(node.right, whenTrue, whenFalse)
      }
      case 'isNull': {
        const tests = this.reference(node.operand).present
        if (tests.length === 0) return builder.jump(whenFalse)
        for (const [index, { comparison, bits, left, right }] of tests.entries()) {
          const isLast = index === tests.length - 1
          const next = isLast ? whenFalse : builder.newBlock()
          builder.branch(comparison, bits, left, right, next, whenTrue)
          if (!isLast) builder.enter(next)
        }
        return
      }
      case 'compare':
        return compare(this, node, whenTrue, whenFalse)
      case 'bound':
        this.assign(node.variable, node.value)
        return this.condition(node.body, whenTrue, whenFalse)
      case 'set':
      case 'add':
      case 'replace':
      case 'push':
      case 'has':
      case 'delete':
        return builder.branch('eq', 64, stateCall(this, node), builder.constant(0), whenTrue, whenFalse)
      case 'move':
      case 'encapsulate':
      case 'decapsulate':
        return builder.branch('eq', 64, this.move(node), builder.constant(0), whenTrue, whenFalse)
      case 'emit': {
        const lost = builder.newBlock()
        if (node.table.table.kind === 'packet_ringbuf')
          emitWithPacket(this, this.packet, this.options.hook, node, whenTrue, lost)
        else builder.branch('eq', 64, stateCall(this, node), builder.constant(0), whenTrue, lost)
        builder.enter(lost)
        this.exits.lost(node.table.name)
        return builder.jump(whenFalse)
      }
      default:
        return builder.branch('ne', 32, this.scalar(node), builder.constant(0), whenTrue, whenFalse)
    }
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
      case 'element': {
        const base = this.reference(node.base)
        const isHeader = node.base.type.kind === 'reference' && node.base.type.space === 'packet'
        return elementOf(this, this.packet, isHeader ? this.inPacket(base) : base, node)
      }
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
    return { header: this.inPacket(this.reference(node)), struct: node.type.struct }
  }

  /** Of a header that was chosen from others only the pointer is known. */
  protected inPacket(reference: Reference): PacketReference {
    if (isInPacket(reference)) return reference
    const { builder } = this
    const distance = builder.emit({ op: 'alu', alu: 'sub', bits: 64 }, reference.pointer, this.packet.data())
    const { loops = builder.loops } = reference
    return { ...reference, key: reference, offset: builder.emit({ op: 'low32' }, distance), loops }
  }

  /** 0 where it was done. */
  protected move(node: Extract<Typed, { op: 'move' | 'encapsulate' | 'decapsulate' }>): Value {
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

const EXITS: Readonly<Record<Hook, new (parts: ExitParts) => Verdicts>> = { tc: TcExits, xdp: XdpExits }
