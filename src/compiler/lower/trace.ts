/** Events of packets that are traced: a comparison at each place, and for those packets a call. */
import type { Field } from '../../isa/layout.ts'
import type { TracedType, TraceSite } from '../../isa/trace.ts'
import { Builder } from '../builder.ts'
import type { Cube } from '../cube.ts'
import { Lines } from '../emit/lines.ts'
import type { Graph, Value } from '../ir.ts'
import { LOOK_MAP } from '../look.ts'
import type { Pieces } from '../pieces.ts'
import { siteNumber, traceEvent } from '../trace.ts'
import type { Position, ValueType } from '../typed.ts'
import { reasonOf, sightOf } from '../wiring.ts'
import { cellOf } from './cell.ts'
import type { Frame } from './frame.ts'
import { lostOne, timeNow } from './look.ts'
import { OWN } from './packet.ts'
import { reserve } from './punt.ts'

/** What it is called in the program. */
export const TRACE_FUNCTION = 'trace_event'

type Described = TraceSite extends infer S ? (S extends TraceSite ? Omit<S, 'id'> : never) : never

/** All of a program, by their numbers. */
export class TraceSites {
  readonly all = new Map<number, TraceSite>()
  private readonly lines = new Lines()

  number(site: Described): number {
    const id = siteNumber(JSON.stringify(site))
    this.all.set(id, { ...site, id })
    return id
  }

  at({ source, span }: Position) {
    const line = this.lines.all[this.lines.of({ source, span })]
    if (line === undefined) throw new Error('no line')
    const text = source.text.slice(span.start, span.end).replace(/\s+/g, ' ')
    return { line, text: text.length > 100 ? `${text.slice(0, 99)}…` : text }
  }
}

/** The events of one node. */
export class Traces {
  private readonly frame: Frame
  private readonly builder: Builder
  private readonly sites: TraceSites
  private readonly cube: Cube
  private readonly instance: string

  constructor(frame: Frame, sites: TraceSites, cube: Cube, instance: string) {
    this.frame = frame
    this.builder = frame.builder
    this.sites = sites
    this.cube = cube
    this.instance = instance
  }

  /** Before another program goes on with the packet. */
  hand(): void {
    const { builder, frame } = this
    builder.emit({ op: 'store', size: 8, offset: 0 }, cellOf(frame, LOOK_MAP.traced), builder.read(OWN.trace))
  }

  /** Which packet it is, of one that another program was at. */
  handed(): Value {
    return this.builder.emit({ op: 'load', size: 8, offset: 0, from: 'shared' }, cellOf(this.frame, LOOK_MAP.traced))
  }

  /** `isInside`: what is sent goes on in the graph. */
  counted(port: Value, slot: number, isInside: boolean): void {
    const { cube, instance, sites } = this
    const sight = sightOf(cube, slot)
    if (sight === undefined) return
    this.tell(sites.number({ kind: 'counted', instance, sight, reason: reasonOf(cube, slot), isInside }), [port])
  }

  decided(at: Position, outcome: boolean): void {
    this.tell(this.sites.number({ kind: 'decision', ...this.sites.at(at), outcome }))
  }

  verdict(at: Position): void {
    this.tell(this.sites.number({ kind: 'verdict', ...this.sites.at(at) }))
  }

  /** `pieces` are as a register holds them. Lists are too long. */
  read(at: Position, struct: string, { name }: Field, type: ValueType, pieces: Pieces): void {
    const as = tracedType(type)
    if (as === undefined) return
    const site = { kind: 'read', ...this.sites.at(at), field: `${struct}.${name}`, as } as const
    this.tell(this.sites.number(site), this.words(as, pieces))
  }

  /** `before` and after; of what takes both words, only after. */
  written(at: Position, struct: string, { name }: Field, type: ValueType, before: Pieces, after: Pieces): void {
    const as = tracedType(type)
    if (as === undefined) return
    const site = { kind: 'write', ...this.sites.at(at), field: `${struct}.${name}`, as } as const
    const now = this.words(as, after)
    this.tell(this.sites.number(site), now.length > 1 ? now : [...this.words(as, before), ...now])
  }

  private words(as: TracedType, [first, second]: Pieces): Pieces {
    if (first === undefined || second === undefined || as !== 'mac') return [first, second].flatMap((one) => one ?? [])
    const { builder } = this
    const upper = builder.emit({ op: 'alu', alu: 'lsh', bits: 64 }, second, builder.constant(32))
    return [builder.emit({ op: 'alu', alu: 'or', bits: 64 }, upper, first)]
  }

  private tell(site: number, [first, second]: Pieces = []): void {
    const { builder } = this
    const zero = builder.constant(0)
    const trace = builder.read(OWN.trace)
    const [traced, after] = [builder.newBlock({ rare: true }), builder.newBlock()]
    builder.branch('ne', 64, trace, zero, traced, after)
    builder.enter(traced)
    builder.emit(
      { op: 'invoke', callee: TRACE_FUNCTION, pure: false },
      trace,
      builder.constant(site),
      first ?? zero,
      second ?? zero,
    )
    builder.jump(after)
    builder.enter(after)
  }
}

function tracedType(type: ValueType): TracedType | undefined {
  if (type.kind === 'int' || type.kind === 'bool') return type.kind
  if (type.kind !== 'address') return undefined
  return type.role === 'mac' || type.role === 'ipv4' || type.role === 'ipv6' ? type.role : undefined
}

/** The function that writes an event. */
export function lowerTraceEvent(at: Position, clock: 'kernel' | 'cell'): Graph {
  const builder = new Builder(at)
  const [trace, site, first, second] = [0, 1, 2, 3].map((index) => builder.emit({ op: 'parameter', index }))
  const [full, done] = [builder.newBlock({ rare: true }), builder.newBlock()]
  const time = timeNow(builder, clock)
  const record = reserve(builder, LOOK_MAP.events, traceEvent.size, full)
  for (const [offset, value] of [
    [0, trace],
    [8, time],
    [16, first],
    [24, second],
    [32, site],
  ] as const)
    if (value !== undefined) builder.emit({ op: 'store', size: 8, offset }, record, value)
  builder.emit({ op: 'call', helper: 'ringbuf_submit' }, record, builder.constant(0))
  builder.jump(done)
  builder.enter(full)
  lostOne(builder)
  builder.jump(done)
  builder.enter(done)
  builder.return(builder.constant(0))
  const signature = { name: TRACE_FUNCTION, parameters: ['u64', 'u32', 'u64', 'u64'], at } as const
  return { ...builder.finish(), signature }
}
