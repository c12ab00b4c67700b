/** Verdicts → what the TC hook understands. Each kind of exit is built once and shared by all that lead to it. */
import { SK_BUFF, TC_ACT } from '../isa/opcodes.ts'
import type { Builder } from './builder.ts'
import type { Cube } from './cube.ts'
import type { Block, Value } from './ir.ts'
import type { Position } from './typed.ts'
import { dropReasons, MAP, SLOT, slotsPerPort, type Wiring } from './wiring.ts'

/** What lowering does with verdicts. */
export interface Verdicts {
  /** At the start of the program. */
  received(): void
  drop(reason: number): void
  pass(): void
  flood(): void
  forward(port: Value): void
  /** At the end, when everything else has been lowered. */
  finish(): void
}

export class Exits implements Verdicts {
  private readonly builder: Builder
  private readonly cube: Cube
  private readonly wiring: Wiring
  /** With where the first way to each begins: what its instructions are shown beside. */
  private readonly blocks = new Map<string, { readonly block: Block; readonly at: Position }>()
  /** The variable that holds the port on the way to the shared end of all forwards. */
  private readonly portVariable: number

  constructor(builder: Builder, cube: Cube, wiring: Wiring, portVariable: number) {
    this.builder = builder
    this.cube = cube
    this.wiring = wiring
    this.portVariable = portVariable
  }

  received(): void {
    this.count(this.slot(SLOT.received))
  }

  drop(reason: number): void {
    this.shared(`drop ${reason}`)
  }

  pass(): void {
    this.shared('pass')
  }

  flood(): void {
    this.shared('flood')
  }

  forward(port: Value): void {
    this.builder.write(this.portVariable, port)
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
      if (name === 'flood') this.buildFlood()
      else if (name === 'forward') this.buildForward()
      else if (name === 'pass') this.builder.return(this.builder.constant(TC_ACT.ok))
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
    this.builder.return(this.builder.constant(TC_ACT.shot))
  }

  private buildFlood(): void {
    const { builder } = this
    const others = this.wiring.exits.filter(({ port }) => port !== this.wiring.port)
    const last = others.pop()
    if (last === undefined) return this.drop(this.reason('no_such_port'))
    for (const { port, ifindex } of others) {
      const sent = builder.newBlock()
      const failed = builder.newBlock()
      const next = builder.newBlock()
      const context = builder.emit({ op: 'context' })
      const result = builder.emit(
        { op: 'call', helper: 'clone_redirect' },
        context,
        builder.constant(ifindex),
        builder.constant(0),
      )
      builder.branch('eq', 64, result, builder.constant(0), sent, failed)
      builder.enter(sent)
      this.count(this.slot(SLOT.sent, port))
      builder.jump(next)
      builder.enter(failed)
      this.count(this.slot(SLOT.firstDrop + this.reason('send_failed'), port))
      builder.jump(next)
      builder.enter(next)
    }
    this.count(this.slot(SLOT.sent, last.port))
    builder.return(this.redirect(builder.constant(last.ifindex)))
  }

  /** The interface of a port that is known only now: a chain of comparisons, then one end for all. */
  private buildForward(): void {
    const { builder } = this
    const port = builder.read(this.portVariable)
    const interfaceVariable = this.portVariable + 1
    const found = builder.newBlock()
    this.search(
      port,
      [...this.wiring.exits].sort((a, b) => a.port - b.port),
      interfaceVariable,
      found,
    )
    builder.enter(found)
    const ifindex = builder.read(interfaceVariable)
    const row = builder.emit({ op: 'alu', alu: 'mul', bits: 32 }, port, builder.constant(slotsPerPort(this.cube)))
    this.count(builder.emit({ op: 'alu', alu: 'add', bits: 32 }, row, builder.constant(SLOT.sent)))
    builder.return(this.redirect(ifindex))
  }

  /** Binary search over constants: log2(n) comparisons, and no memory touched. */
  private search(port: Value, exits: readonly Wiring['exits'][number][], result: number, found: Block): void {
    const { builder } = this
    const middle = exits.length >> 1
    const pivot = exits[middle]
    if (pivot === undefined) return this.drop(this.reason('no_such_port'))
    const one = builder.newBlock()
    const other = builder.newBlock()
    if (exits.length === 1) {
      builder.branch('eq', 32, port, builder.constant(pivot.port), one, other)
      builder.enter(one)
      builder.write(result, builder.constant(pivot.ifindex))
      builder.jump(found)
      builder.enter(other)
      return this.drop(this.reason('no_such_port'))
    }
    builder.branch('ult', 32, port, builder.constant(pivot.port), one, other)
    builder.enter(one)
    this.search(port, exits.slice(0, middle), result, found)
    builder.enter(other)
    this.search(port, exits.slice(middle), result, found)
  }

  private redirect(ifindex: Value): Value {
    return this.builder.emit({ op: 'call', helper: 'redirect' }, ifindex, this.builder.constant(0))
  }

  private reason(name: string): number {
    return Object.keys(dropReasons(this.cube)).indexOf(name)
  }

  private slot(slot: number, port = this.wiring.port): Value {
    return this.builder.constant(port * slotsPerPort(this.cube) + slot)
  }

  /** One more packet in this CPU's counter. Nobody else writes it, so no atomic is needed. */
  private count(index: Value): void {
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
    const context = builder.emit({ op: 'context' })
    const length = builder.emit({ op: 'load', size: 4, offset: SK_BUFF.len, from: 'context' }, context)
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
