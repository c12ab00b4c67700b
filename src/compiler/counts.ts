/** Packets and bytes are counted, by port: per CPU, so that nobody else writes what a program adds to. */
import type { Builder } from './builder.ts'
import type { Cube } from './cube.ts'
import type { Value } from './ir.ts'
import type { Looks } from './lower-look.ts'
import type { Passage } from './lower-packet.ts'
import { derived, type Open, Wired } from './wired.ts'
import { MAP, slotsPerPort } from './wiring.ts'

export class Counts {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly map: string
  private readonly stride: number
  /** Whoever looks at what is counted. */
  readonly looks: Looks | undefined

  /** `prefix`: before the names of the instance's maps. */
  constructor(builder: Builder, packet: Passage, cube: Cube, prefix: string, looks?: Looks) {
    this.looks = looks
    this.builder = builder
    this.packet = packet
    this.map = `${prefix}${MAP.counters}`
    this.stride = slotsPerPort(cube)
  }

  /** One more packet of a port, which may be known only now. */
  count(port: Open | Value, slot: number): void {
    this.looks?.at(port, slot)
    const isKnown = typeof port === 'number' || port instanceof Wired
    this.add(isKnown ? this.builder.constant(this.slot(port, slot)) : this.slotOf(port, slot))
  }

  private slot(port: Open, slot: number): Open {
    return derived(port, `slot ${slot} by ${this.stride}`, (port) => port * this.stride + slot)
  }

  private slotOf(port: Value, slot: number): Value {
    const { builder } = this
    const row = builder.emit({ op: 'alu', alu: 'mul', bits: 32 }, port, builder.constant(this.stride))
    return builder.emit({ op: 'alu', alu: 'add', bits: 32 }, row, builder.constant(slot))
  }

  private add(index: Value): void {
    const { builder } = this
    const { at } = builder
    const key = builder.emit({ op: 'stack', object: { size: 4, align: 8, what: 'a counter index', at } })
    builder.emit({ op: 'store', size: 4, offset: 0 }, key, index)
    const map = builder.emit({ op: 'map', name: this.map })
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
