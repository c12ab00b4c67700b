/**
 * The typed tree → SSA: functions, which are called or compiled in, and statements. Values and references are in value.ts,
 * conditions in condition.ts.
 */
import { type Called, Names, planCalls, planNoCalls } from '../calls.ts'
import type { Block, Graph, Value } from '../ir.ts'
import { passMarked } from '../marked.ts'
import { type Pieces, piecesOf, storePieces, width } from '../pieces.ts'
import type { Typed, TypedFunction, TypedStatement, ValueType } from '../typed.ts'
import { EarlyAccounts, OpenedLate } from './account.ts'
import { bring, inPacket } from './chosen.ts'
import { loadField } from './field.ts'
import { frameOf, type LowerOptions, type ProgramOptions, programFrame } from './frame.ts'
import { type Callee, calleeOf, joined, signatureOf } from './function.ts'
import { LOOK_FUNCTION, lowerLook } from './look.ts'
import { OWN } from './packet.ts'
import type { Reference } from './reference.ts'
import { lowerTraceEvent, TRACE_FUNCTION, TraceSites } from './trace.ts'
import { VARIABLE_STRIDE, ValueLowering } from './value.ts'
import { writeField } from './write.ts'

/** A data plane of the program, and what is its own. */
export interface NodeToLower extends Pick<LowerOptions, 'cube' | 'prefix' | 'wiring'> {
  readonly main: TypedFunction
  /** Its packets did not come by any port. */
  readonly sends: boolean
}

/** The program, and after it the functions that it calls. Packets come in at the first of its nodes; ways lead to later ones only. */
export function lower(nodes: readonly NodeToLower[], common: Omit<ProgramOptions, 'early'>): Graph[] {
  const early = new EarlyAccounts()
  for (;;) {
    early.again()
    try {
      return lowerAll(nodes, { ...common, early })
    } catch (error) {
      if (!(error instanceof OpenedLate)) throw error
    }
  }
}

function lowerAll(nodes: readonly NodeToLower[], common: ProgramOptions): Graph[] {
  const [first] = nodes
  if (first === undefined) throw new Error('a program of nothing')
  const sites = common.look?.trace === true ? new TraceSites() : undefined
  const frame = { ...programFrame(first.main.at, common, nodes.length), sites }
  const { builder, packet } = frame
  const names = new Names()
  const functions: Graph[] = []
  let farthest = 0
  if (common.look !== undefined) {
    for (const name of [LOOK_FUNCTION, TRACE_FUNCTION]) names.unused(name)
    const seen = lowerLook(common, common.look)
    functions.push(seen.graph)
    farthest = seen.farthest
    if (sites !== undefined) functions.push(lowerTraceEvent(first.main.at, common.clock))
  }
  if (common.passesMarked === true) passMarked(builder)
  packet.arrive()
  for (const [index, { main, sends, ...own }] of nodes.entries()) {
    const start = frame.nodes[index]
    if (start === undefined || (index > 0 && start.predecessors.length === 0)) continue
    if (index > 0) builder.enter(start)
    const options = { ...common, ...own }
    const called = lowerFunctions(main, options, names)
    functions.push(...called.graphs)
    farthest = Math.max(farthest, called.farthest)
    builder.at = main.at
    new Lowering(frame, options, called.callees).node(main, index === 0, sends)
  }
  packet.finish()
  const graph = builder.finish()
  packet.settle(graph, farthest)
  return [{ ...graph, ...(sites === undefined ? {} : { sites: [...sites.all.values()] }) }, ...functions]
}

/** What a data plane calls. `farthest`: how far it reads. */
function lowerFunctions(main: TypedFunction, options: LowerOptions, names: Names) {
  const callees = new Map<TypedFunction, Callee>()
  const calls = options.calls === 'none' ? planNoCalls(main, options.hook) : planCalls(main, options.hook, names)
  let farthest = 0
  const graphs = [...calls].map(([one, called]): Graph => {
    const given = { ...called, time: called.time && options.clock === 'kernel' }
    const signature = signatureOf(one, given)
    const lowering = new Lowering(frameOf(one.at, options), options, callees)
    const graph = lowering.function(one, given)
    farthest = Math.max(farthest, lowering.farthest)
    callees.set(one, calleeOf(graph, signature, given))
    return { ...graph, signature }
  })
  return { graphs, callees, farthest }
}

/** Verdicts that are made of no others. */
const ENDS: ReadonlySet<Typed['op']> = new Set(['drop', 'flood', 'pass', 'forward', 'next', 'punt'])

class Lowering extends ValueLowering {
  node({ body }: TypedFunction, isFirst: boolean, sends: boolean): void {
    const { looks, options } = this
    // Who looks reads the packet, too.
    const isSeen = this.options.look !== undefined
    if (isFirst && isSeen) this.packet.open()
    const { port } = options.wiring
    if (isFirst && this.traces !== undefined && looks !== undefined && typeof port === 'number')
      this.builder.write(OWN.trace, options.isNext === true ? this.traces.handed() : looks.begins(port))
    if (!sends) this.exits.received()
    if (isFirst && !isSeen) this.packet.open()
    this.statements(body)
    this.exits.finish()
  }

  function({ parameters, body, result }: TypedFunction, { context, time }: Called): Graph {
    const { builder } = this
    let index = 0
    const parameter = (): Value => builder.emit({ op: 'parameter', index: index++ })
    if (context) {
      builder.emit({ op: 'context' })
      index++
    }
    if (time) this.time = parameter()
    for (const { id, type } of parameters) this.writePieces(id * VARIABLE_STRIDE, piecesOf(type).map(parameter))
    if (context) this.packet.enter()
    builder.return(joined(builder, this.compiledIn(body, result)))
    this.packet.finish()
    const graph = builder.finish()
    this.farthest = this.packet.settle(graph, 0)
    return graph
  }

  protected statements(list: readonly TypedStatement[]): void {
    for (const one of list) {
      if (this.builder.block.end !== undefined) return
      this.builder.at = one.at
      this.statement(one)
    }
  }

  private statement(node: TypedStatement): void {
    const { builder } = this
    switch (node.op) {
      case 'assign':
        return this.assign(node.variable, node.value)
      case 'store': {
        const reference = this.reference(node.base)
        const pieces = this.value(node.value)
        builder.at = node.at
        if (this.lock === undefined) this.traceWrite(node, reference, pieces)
        if (node.struct.order === 'network')
          return writeField(
            builder,
            this.checksums,
            inPacket(builder, this.packet, reference),
            node.struct,
            node.field,
            pieces,
          )
        return storePieces(builder, reference.pointer, node.field, pieces)
      }
      case 'if': {
        const [whenTrue, whenFalse, after] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
        this.condition(node.test, whenTrue, whenFalse)
        builder.enter(whenTrue)
        this.statements(node.whenTrue)
        builder.jump(after)
        builder.enter(whenFalse)
        this.statements(node.whenFalse)
        builder.jump(after)
        return builder.enter(after)
      }
      case 'loop':
        return this.loop(node)
      case 'while':
        return this.while(node)
      case 'rounds':
        return this.rounds(node)
      case 'breakable': {
        const after = builder.newBlock()
        this.loops.push({ next: undefined, after })
        this.statements(node.body)
        this.loops.pop()
        builder.jump(after)
        return builder.enter(after)
      }
      case 'return':
        return this.returned(node.value)
      case 'break':
      case 'continue': {
        const left = this.loops.at(-1 - node.out)
        const to = node.op === 'break' ? left?.after : left?.next
        if (to !== undefined) builder.jump(to)
        return
      }
      case 'evaluate':
        if (node.value.type.kind === 'reference') this.reference(node.value)
        else this.value(node.value)
    }
  }

  private traceWrite(
    { struct, field, value, at }: Extract<TypedStatement, { op: 'store' }>,
    reference: Reference,
    pieces: Pieces,
  ): void {
    const { traces } = this
    if (traces === undefined) return
    const before = isLong(value.type) ? [] : loadField(this, reference, field, struct, at)
    traces.written(at, struct.name, field, value.type, before, pieces)
  }

  private loop(node: Extract<TypedStatement, { op: 'loop' }>): void {
    if (node.times === 0) return
    const { builder } = this
    const variable = node.variable.id * VARIABLE_STRIDE
    const after = builder.newBlock()
    const outside = builder.rounds
    builder.rounds *= node.times
    const [body, next] = [builder.newBlock(), builder.newBlock()]
    builder.write(variable, this.integer(node.from, node.variable.type))
    builder.jump(body)
    builder.block = body
    this.round(node, body, next, after)
    builder.at = node.at
    const bits = width(node.variable.type)
    const stepped = builder.emit(
      { op: 'alu', alu: 'add', bits },
      builder.read(variable),
      this.integer(node.step, node.variable.type),
    )
    builder.write(variable, stepped)
    const end = this.integer(node.from + node.step * BigInt(node.times), node.variable.type)
    builder.branch('ne', bits, stepped, end, body, after, { counts: true })
    builder.rounds = outside
    builder.seal(body)
    builder.enter(after)
  }

  private while(node: Extract<TypedStatement, { op: 'while' }>): void {
    const { builder } = this
    const isOnce = node.times === 1
    const after = builder.newBlock()
    const outside = builder.rounds
    builder.rounds *= node.times
    const [test, body, next] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
    builder.jump(test)
    builder.block = test
    if (isOnce) builder.seal(test)
    this.condition(node.test, body, after)
    builder.enter(body)
    this.round(node, test, next, after)
    this.statements(node.update)
    if (isOnce) this.endOnce(node.test, after)
    else builder.jump(test)
    builder.rounds = outside
    builder.seal(test)
    builder.enter(after)
  }

  /** No second round begins, where what is owed to checksums would be lost; but the test may do something. */
  private endOnce(test: Typed, after: Block): void {
    const { builder } = this
    const never = builder.newBlock()
    this.condition(test, never, after)
    builder.enter(never)
    builder.jump(after)
  }

  /** A round of a loop, up to where it goes on. `start`: what every round begins with. */
  private round(
    { body, settles, times }: Extract<TypedStatement, { op: 'loop' | 'while' }>,
    start: Block,
    next: Block,
    after: Block,
  ): void {
    const { builder } = this
    const { loops } = builder
    builder.loops = [...loops, start]
    this.loops.push({ next, after })
    this.statements(body)
    this.loops.pop()
    builder.jump(next)
    builder.enter(next)
    if (settles) this.checksums.settle(false)
    if (times > 1) this.checksums.roundEnds(start)
    builder.loops = loops
  }

  private rounds(node: Extract<TypedStatement, { op: 'rounds' }>): void {
    const { builder } = this
    const after = builder.newBlock()
    for (const round of node.rounds) {
      const next = builder.newBlock()
      this.loops.push({ next, after })
      this.statements(round)
      this.loops.pop()
      builder.jump(next)
      builder.enter(next)
    }
    builder.jump(after)
    builder.enter(after)
  }

  private returned(value: Typed | undefined): void {
    if (value?.type.kind === 'verdict') return this.verdict(value)
    const target = this.returns.at(-1)
    if (target === undefined) return
    if (value !== undefined && (value.op === 'null' || value.type.kind === 'reference'))
      return bring(this, value, target.result, target.to)
    if (value !== undefined) this.writePieces(target.result, this.value(value))
    this.builder.jump(target.to)
  }

  private verdict(node: Typed): void {
    const { builder, exits } = this
    builder.at = node.at
    if (ENDS.has(node.op)) this.traces?.verdict(node.at)
    switch (node.op) {
      case 'drop':
        return exits.drop(node.reason)
      case 'punt': {
        const given = node.metadata.map(({ field, value }) => ({ field, pieces: this.value(value) }))
        builder.at = node.at
        return exits.punt(node.reason, given)
      }
      case 'flood':
        return exits.flood()
      case 'pass':
        return exits.pass()
      case 'next':
        return exits.next()
      case 'forward':
        return exits.forward(this.scalar(node.port))
      case 'conditional': {
        const [whenTrue, whenFalse] = [builder.newBlock(), builder.newBlock()]
        this.condition(node.test, whenTrue, whenFalse)
        builder.enter(whenTrue)
        this.verdict(node.whenTrue)
        builder.enter(whenFalse)
        return this.verdict(node.whenFalse)
      }
      case 'call':
        this.bindArguments(node)
        return this.statements(node.callee.body)
      default:
        throw new Error(`a verdict of kind ${node.op}`)
    }
  }
}

const isLong = (type: ValueType): boolean => type.kind === 'list' || (type.kind === 'address' && type.role === 'ipv6')
