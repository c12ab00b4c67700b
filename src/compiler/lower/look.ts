/**
 * What a program does for somebody who looks: at each point that is asked for it calls one function, which asks the filter, and
 * writes a record. So programs grow by a call at each point, and the verifier looks at the function once.
 */
import type { Hook } from '../../isa/program.ts'
import { Builder } from '../builder.ts'
import type { Cube } from '../cube.ts'
import type { Block, Graph, Signature, Value } from '../ir.ts'
import { LONGEST_SNAPSHOT, LOOK_MAP, type Look, lookRecord, type Sight } from '../look.ts'
import { Decisive } from '../shared.ts'
import type { Position } from '../typed.ts'
import { type Open, Wired } from '../wired.ts'
import { MAP, sightOf } from '../wiring.ts'
import { lowerFilter } from './filter.ts'
import type { Passage } from './packet.ts'
import { passageOf } from './passages.ts'
import { atMost, lessOne, plusOne, reserve, submit } from './punt.ts'
import type { Traces } from './trace.ts'

/** What it is called in the program. */
export const LOOK_FUNCTION = 'look_here'

/** Rings hold more records of those that are short, and most are. */
const SIZES = [128, 1536, 9216, LONGEST_SNAPSHOT] as const

/** The points of one node of a program. */
export class Looks {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly cube: Cube
  private readonly look: Look
  private readonly number: number
  private readonly traces: Traces | undefined

  constructor(builder: Builder, packet: Passage, cube: Cube, instance: string, look: Look, traces?: Traces) {
    this.traces = traces
    this.builder = builder
    this.packet = packet
    this.cube = cube
    this.look = look
    this.number = look.instances.indexOf(instance)
  }

  /** Something is counted. The port may be known only now. `isInside`: what is sent goes on in the graph. */
  at(port: Open | Value, slot: number, isInside: boolean): void {
    if (port instanceof Wired) throw new Decisive('points are ports')
    const sight = sightOf(this.cube, slot)
    if (sight === undefined || this.number < 0) return
    if (this.traces !== undefined)
      return this.traces.counted(typeof port === 'number' ? this.builder.constant(port) : port, slot, isInside)
    const ports = this.portsWith(sight)
    if (ports === 'all') return this.tell(port, slot)
    if (typeof port === 'number') {
      if (ports.includes(port)) this.tell(port, slot)
      return
    }
    this.tellAmong(port, ports, slot)
  }

  private portsWith(sight: Sight): readonly number[] | 'all' {
    const instance = this.look.instances[this.number]
    const points = this.look.points.filter((one) => one.instance === instance && one.sights.includes(sight))
    const ports = points.map(({ port }) => port)
    return ports.includes(undefined) ? 'all' : ports.flatMap((port) => port ?? [])
  }

  private tellAmong(port: Value, ports: readonly number[], slot: number): void {
    if (ports.length === 0) return
    const { builder } = this
    const [wanted, after] = [builder.newBlock(), builder.newBlock()]
    for (const one of ports) {
      const other = builder.newBlock()
      builder.branch('eq', 32, port, builder.constant(one), wanted, other)
      builder.enter(other)
    }
    builder.jump(after)
    builder.enter(wanted)
    this.tell(port, slot)
    builder.jump(after)
    builder.enter(after)
  }

  /** Whether a packet that has come is to be traced: when that was, or 0. */
  begins(port: number): Value {
    return this.call(this.builder.constant(port), 0)
  }

  private tell(port: number | Value, slot: number): void {
    this.call(typeof port === 'number' ? this.builder.constant(port) : port, slot)
  }

  private call(row: Value, slot: number): Value {
    const { builder, packet } = this
    const fixed = builder.constant(BigInt(this.number) | (BigInt(slot) << 32n))
    const shifted = builder.emit({ op: 'alu', alu: 'lsh', bits: 64 }, row, builder.constant(16))
    const what = builder.emit({ op: 'alu', alu: 'or', bits: 64 }, shifted, fixed)
    const context = builder.emit({ op: 'context' })
    return builder.emit({ op: 'invoke', callee: LOOK_FUNCTION, pure: false }, context, packet.tag(), what)
  }
}

interface LookOptions {
  readonly hook: Hook
  readonly direction: 'ingress' | 'egress'
  readonly clock: 'kernel' | 'cell'
}

/** The function. `farthest`: how far it reads in the packet. */
export function lowerLook({ hook, direction, clock }: LookOptions, look: Look): { graph: Graph; farthest: number } {
  const at = positionOf(look)
  const builder = new Builder(at)
  const packet = passageOf({ hook, direction }, builder)
  const signature: Signature = { name: LOOK_FUNCTION, parameters: ['context', 'u32', 'u64'], at }
  builder.emit({ op: 'context' })
  const tag = builder.emit({ op: 'parameter', index: 1 })
  const what = builder.emit({ op: 'parameter', index: 2 })
  packet.enter()
  const [matches, told, done] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
  if (look.filter === undefined) builder.jump(matches)
  else lowerFilter(builder, packet, look.filter.program, tag, matches, done)
  builder.enter(matches)
  const time = timeNow(builder, clock)
  const cpu = look.trace ? builder.emit({ op: 'call', helper: 'get_smp_processor_id' }) : builder.constant(0)
  record(builder, packet, hook, look.snapshot, { tag, what: combined(builder, 'or', what, cpu, 48), time }, told)
  builder.enter(told)
  const odd = builder.emit({ op: 'alu', alu: 'or', bits: 64 }, time, builder.constant(1))
  builder.return(combined(builder, 'xor', odd, cpu, 56))
  builder.enter(done)
  builder.return(builder.constant(0))
  packet.finish()
  const graph = builder.finish()
  return { graph: { ...graph, signature }, farthest: packet.settle(graph, 0) }
}

function combined(builder: Builder, alu: 'or' | 'xor', left: Value, right: Value, shift: number): Value {
  const shifted = builder.emit({ op: 'alu', alu: 'lsh', bits: 64 }, right, builder.constant(shift))
  return builder.emit({ op: 'alu', alu, bits: 64 }, left, shifted)
}

export const positionOf = ({ filter }: Look): Position => {
  const text = filter?.text ?? ''
  return { source: { file: 'filter', text }, span: { start: 0, end: text.length } }
}

export function timeNow(builder: Builder, clock: 'kernel' | 'cell'): Value {
  if (clock === 'kernel') return builder.emit({ op: 'now' })
  const cell = builder.emit({ op: 'mapValue', name: MAP.clock, offset: 0 })
  return builder.emit({ op: 'load', size: 8, offset: 0, from: 'constant' }, cell)
}

function record(
  builder: Builder,
  packet: Passage,
  hook: Hook,
  snapshot: number,
  { tag, what, time }: { readonly tag: Value; readonly what: Value; readonly time: Value },
  done: Block,
): void {
  const full = builder.newBlock({ rare: true })
  const length = packet.length()
  const segmentSize = packet.segmentSize()
  const put = (captured: Value, most: number): void => {
    const at = reserve(builder, LOOK_MAP.records, lookRecord.size + most, full)
    for (const [offset, size, value] of [
      [0, 8, time],
      [8, 8, what],
      [16, 4, tag],
      [20, 4, length],
      [24, 4, captured],
      [28, 4, segmentSize],
    ] as const)
      builder.emit({ op: 'store', size, offset }, at, value)
    submit(builder, hook, at, lookRecord.size, captured)
    builder.jump(done)
  }
  const less = lessOne(builder, packet)
  for (const size of SIZES.filter((one) => one < snapshot)) {
    const [short, long] = [builder.newBlock(), builder.newBlock()]
    builder.branch('uge', 64, less, builder.constant(size), long, short)
    builder.enter(short)
    put(plusOne(builder, less), size)
    builder.enter(long)
  }
  put(atMost(builder, less, snapshot), snapshot)
  builder.enter(full)
  lostOne(builder)
  builder.jump(done)
}

/** Nobody else writes this CPU's, so no atomic is needed. */
export function lostOne(builder: Builder): void {
  const { at } = builder
  const key = builder.emit({ op: 'stack', object: { size: 4, align: 8, what: 'an index', at } })
  builder.emit({ op: 'store', size: 4, offset: 0 }, key, builder.constant(0))
  const map = builder.emit({ op: 'map', name: LOOK_MAP.lost })
  const row = builder.emit({ op: 'call', helper: 'map_lookup_elem' }, map, key)
  const [present, after] = [builder.newBlock(), builder.newBlock()]
  builder.branch('ne', 64, row, builder.constant(0), present, after)
  builder.enter(present)
  const before = builder.emit({ op: 'load', size: 8, offset: 0, from: 'shared' }, row)
  const sum = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, before, builder.constant(1))
  builder.emit({ op: 'store', size: 8, offset: 0 }, row, sum)
  builder.jump(after)
  builder.enter(after)
}
