/** How a packet leaves by a port at the TC hook: the interfaces are constants of the program. */
import { type ExitParts, Exits } from './exits.ts'
import type { Block, Value } from './ir.ts'
import { OWN } from './lower-packet.ts'
import { SLOT, type Wiring } from './wiring.ts'

export class TcExits extends Exits {
  constructor(parts: ExitParts) {
    super('tc', parts)
  }

  protected buildFlood(): void {
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
    this.packet.leave(this.redirect(builder.constant(last.ifindex)))
  }

  /** The interface of a port that is known only now: a chain of comparisons, then one end for all. */
  protected buildForward(port: Value): void {
    const { builder } = this
    const found = builder.newBlock()
    this.search(
      port,
      [...this.wiring.exits].sort((a, b) => a.port - b.port),
      OWN.interface,
      found,
    )
    builder.enter(found)
    const ifindex = builder.read(OWN.interface)
    this.count(this.slotOf(SLOT.sent, port))
    this.packet.leave(this.redirect(ifindex))
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
}
