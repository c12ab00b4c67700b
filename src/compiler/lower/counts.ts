/**
 * Packets and bytes are counted, by port: by each CPU in a place of its own, so that nobody else writes what a program adds to. The
 * place is an address that the program knows but for the number of its CPU, which it asks for once: where maps of values per CPU are
 * asked, each count is a lookup and a test.
 */
import type { Comparisons } from '../assembly.ts'
import type { Cube } from '../cube.ts'
import type { Value } from '../ir.ts'
import { derived, type Open, Wired } from '../wired.ts'
import { counter, MAP, rowsOf, slotsPerPort } from '../wiring.ts'
import type { Frame } from './frame.ts'
import type { Looks } from './look.ts'

export interface Counted {
  readonly cube: Cube
  /** Before the names of the instance's maps. */
  readonly prefix: string
  /** Ports that there is room for. */
  readonly capacity: number
  readonly looks: Looks | undefined
  readonly comparisons?: Comparisons | undefined
}

export class Counts {
  /** Whoever looks at what is counted. */
  readonly looks: Looks | undefined
  private readonly frame: Frame
  private readonly isHidden: boolean
  private readonly map: string
  /** Ports, rounded up. */
  private readonly rows: number
  /** Bytes of a port's counters, and of a CPU's. */
  private readonly row: number
  private readonly all: number

  constructor(frame: Frame, { cube, prefix, capacity, looks, comparisons }: Counted) {
    this.looks = looks
    this.isHidden = comparisons !== undefined && comparisons !== 'planned'
    this.frame = frame
    this.map = `${prefix}${MAP.counters}`
    this.rows = rowsOf(capacity)
    this.row = slotsPerPort(cube) * counter.size
    this.all = this.rows * this.row
  }

  /** One more packet of a port, which may be known only now. `isInside`: sent, and goes on in the graph. */
  count(port: Open | Value, slot: number, isInside = false): void {
    this.looks?.at(port, slot, isInside)
    const { builder, packet, cpu } = this.frame
    const constant = (value: number) => builder.constant(value)
    const alu = (alu: 'add' | 'mul', a: Value, b: Value) => builder.emit({ op: 'alu', alu, bits: 64 }, a, b)
    const cpuAt = alu('mul', cpu(), constant(this.all))
    const isKnown = typeof port === 'number' || port instanceof Wired
    const rowAt = isKnown ? derived(port, `row of ${this.row}`, (port) => port * this.row) : 0
    const start = builder.emit({ op: 'mapValue', name: this.map, offset: rowAt })
    const place = alu('add', start, isKnown ? cpuAt : alu('add', cpuAt, this.rowOf(port)))
    const near = slot * counter.size
    for (const [offset, more] of [
      [near, constant(1)],
      [near + 8, packet.length()],
    ] as const) {
      const before = builder.emit({ op: 'load', size: 8, offset, from: 'shared' }, place)
      builder.emit({ op: 'store', size: 8, offset }, place, alu('add', before, more))
    }
  }

  private rowOf(port: Value): Value {
    const { builder } = this.frame
    // The verifier may know no bounds of it.
    const number = this.isHidden ? this.hidden(port) : port
    const index = builder.emit({ op: 'alu', alu: 'and', bits: 32 }, number, builder.constant(this.rows - 1))
    return builder.emit({ op: 'alu', alu: 'mul', bits: 64 }, index, builder.constant(this.row))
  }

  /**
   * Of a number that is added to an address, the verifier keeps ways apart by all that it was computed from
   * (adjust_reg_min_max_vals, kernel/bpf/verifier.c). What goes by way of half a slot of stack was computed from nothing.
   */
  private hidden(port: Value): Value {
    const { builder } = this.frame
    const { at } = builder
    const slot = builder.emit({ op: 'stack', object: { size: 4, align: 8, what: 'the number of a port', at } })
    builder.emit({ op: 'store', size: 4, offset: 0 }, slot, port)
    return builder.emit({ op: 'load', size: 4, offset: 0, from: 'shared' }, slot)
  }
}
