/** Verdicts → what a hook understands. Each kind of exit is built once and shared by all that lead to it. */
import type { Hook } from '../isa/program.ts'
import { puntReasons } from '../lang/index.ts'
import type { Builder } from './builder.ts'
import type { Cube } from './cube.ts'
import { HOOKS } from './hooks.ts'
import type { Block, Value } from './ir.ts'
import { OWN, type Passage } from './lower-packet.ts'
import { emitPunt } from './lower-punt.ts'
import type { Given } from './pieces.ts'
import type { Position } from './typed.ts'
import { dropReasons, lostSlot, MAP, puntSlot, SLOT, slotsPerPort, type Wiring } from './wiring.ts'

/** What lowering does with verdicts. */
export interface Verdicts {
  /** At the start of the program. */
  received(): void
  drop(reason: number): void
  pass(): void
  flood(): void
  forward(port: Value): void
  punt(reason: number, metadata: readonly Given[]): void
  /** A ring was full. Goes on. */
  lost(ring: string): void
  /** At the end, when everything else has been lowered. */
  finish(): void
}

export interface ExitParts {
  readonly builder: Builder
  readonly packet: Passage
  /** Settles what is owed to checksums: before a packet goes on. */
  readonly settle: () => void
  readonly cube: Cube
  readonly wiring: Wiring
}

/** What all hooks have in common: how a packet leaves by a port is each one's own. */
export abstract class Exits implements Verdicts {
  protected readonly builder: Builder
  protected readonly packet: Passage
  protected readonly wiring: Wiring
  private readonly settle: () => void
  private readonly hook: Hook
  private readonly cube: Cube
  /** With where the first way to each begins: what its instructions are shown beside. */
  private readonly blocks = new Map<string, { readonly block: Block; readonly at: Position }>()

  constructor(hook: Hook, { builder, packet, settle, cube, wiring }: ExitParts) {
    this.settle = settle
    this.hook = hook
    this.builder = builder
    this.packet = packet
    this.cube = cube
    this.wiring = wiring
  }

  /** To every other port. */
  protected abstract buildFlood(): void
  /** To a port that is known only now. */
  protected abstract buildForward(port: Value): void

  received(): void {
    this.count(this.slot(SLOT.received))
  }

  lost(ring: string): void {
    this.count(this.slot(lostSlot(this.cube, ring)))
  }

  drop(reason: number): void {
    this.shared(`drop ${reason}`)
  }

  /** In place: what each one tells is its own. */
  punt(reason: number, metadata: readonly Given[]): void {
    const { builder, cube, hook, packet, wiring } = this
    this.settle()
    const [told, full] = [builder.newBlock(), builder.newBlock()]
    const why = puntReasons(cube.punts)[reason]
    if (why === undefined) throw new Error(`${cube.name} punts for no reason ${reason}`)
    emitPunt(builder, packet, hook, { reason, why, metadata, port: wiring.port, direction: 'ingress' }, told, full)
    builder.enter(full)
    this.drop(this.reason('queue_full'))
    builder.enter(told)
    this.count(this.slot(puntSlot(cube, reason)))
    builder.return(builder.constant(HOOKS[hook].verdict.drop))
  }

  pass(): void {
    this.shared('pass')
  }

  flood(): void {
    this.shared('flood')
  }

  forward(port: Value): void {
    this.builder.write(OWN.port, port)
    this.shared('forward')
  }

  /** Builds the exits that something leads to. Called once, when the whole function has been lowered. */
  finish(): void {
    // Building one exit can make another one necessary, but none that has been built.
    const order = [
      'flood',
      'forward',
      'pass',
      ...Object.keys(dropReasons(this.cube)).map((_, index) => `drop ${index}`),
    ]
    for (const name of order) {
      const exit = this.blocks.get(name)
      if (exit === undefined) continue
      this.builder.enter(exit.block)
      this.builder.at = exit.at
      if (!name.startsWith('drop')) this.settle()
      if (name === 'flood') this.buildFlood()
      else if (name === 'forward') this.buildForward(this.builder.read(OWN.port))
      else if (name === 'pass') this.packet.leave(this.builder.constant(HOOKS[this.hook].verdict.pass))
      else this.buildDrop(Number(name.slice('drop '.length)))
    }
  }

  private shared(name: string): void {
    const exit = this.blocks.get(name) ?? { block: this.builder.newBlock(), at: this.builder.at }
    this.blocks.set(name, exit)
    this.builder.jump(exit.block)
  }

  private buildDrop(reason: number): void {
    this.count(this.slot(SLOT.firstDrop + reason))
    this.builder.return(this.builder.constant(HOOKS[this.hook].verdict.drop))
  }

  protected reason(name: string): number {
    return Object.keys(dropReasons(this.cube)).indexOf(name)
  }

  /** The number of a counter of a port that is known only now. */
  protected slotOf(slot: number, port: Value): Value {
    const { builder } = this
    const row = builder.emit({ op: 'alu', alu: 'mul', bits: 32 }, port, builder.constant(slotsPerPort(this.cube)))
    return builder.emit({ op: 'alu', alu: 'add', bits: 32 }, row, builder.constant(slot))
  }

  protected slot(slot: number, port = this.wiring.port): Value {
    return this.builder.constant(port * slotsPerPort(this.cube) + slot)
  }

  /** One more packet in this CPU's counter. Nobody else writes it, so no atomic is needed. */
  protected count(index: Value): void {
    const { builder } = this
    const at: Position = builder.at
    const key = builder.emit({ op: 'stack', object: { size: 4, align: 8, what: 'a counter index', at } })
    builder.emit({ op: 'store', size: 4, offset: 0 }, key, index)
    const map = builder.emit({ op: 'map', name: MAP.counters })
    const row = builder.emit({ op: 'call', helper: 'map_lookup_elem' }, map, key)
    const present = builder.newBlock()
    const next = builder.newBlock()
    builder.branch('ne', 64, row, builder.constant(0), present, next)
    builder.enter(present)
    const length = this.packet.length()
    for (const [offset, more] of [
      [0, builder.constant(1)],
      [8, length],
    ] as const) {
      const before = builder.emit({ op: 'load', size: 8, offset, from: 'shared' }, row)
      const after = builder.emit({ op: 'alu', alu: 'add', bits: 64 }, before, more)
      builder.emit({ op: 'store', size: 8, offset }, row, after)
    }
    builder.jump(next)
    builder.enter(next)
  }
}
