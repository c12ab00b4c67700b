/** How a packet leaves by a port at the XDP hook: the interfaces are in a map, by the numbers of their ports. */
import { REDIRECT, XDP_ACTION } from '../isa/opcodes.ts'
import { type ExitParts, Exits } from './exits.ts'
import type { Value } from './ir.ts'
import { MAP, SLOT } from './wiring.ts'

export class XdpExits extends Exits {
  constructor(parts: ExitParts) {
    super('xdp', parts)
  }

  /**
   * One packet goes to all, and the kernel copies it after the program has ended (Linux 5.13). What an interface does not
   * take is lost without a word, so that all of them count as sent.
   */
  protected buildFlood(): void {
    const { builder, wiring } = this
    const others = wiring.exits.filter(({ port }) => port !== wiring.port)
    if (others.length === 0) return this.drop(this.reason('no_such_port'))
    for (const { port } of others) this.count(this.slot(SLOT.sent, port))
    this.redirect(builder.constant(0), REDIRECT.broadcast | REDIRECT.excludeIngress)
    this.packet.leave(builder.constant(XDP_ACTION.redirect))
  }

  protected buildForward(port: Value): void {
    const { builder } = this
    const [found, missing] = [builder.newBlock(), builder.newBlock()]
    // Where the map has no such entry, the result is the action in the low bits of the flags: here XDP_ABORTED.
    const action = this.redirect(port, XDP_ACTION.aborted)
    builder.branch('eq', 64, action, builder.constant(XDP_ACTION.redirect), found, missing)
    builder.enter(missing)
    this.drop(this.reason('no_such_port'))
    builder.enter(found)
    this.count(this.slotOf(SLOT.sent, port))
    this.packet.leave(builder.constant(XDP_ACTION.redirect))
  }

  private redirect(port: Value, flags: number): Value {
    const { builder } = this
    const map = builder.emit({ op: 'map', name: MAP.exits })
    return builder.emit({ op: 'call', helper: 'redirect_map' }, map, port, builder.constant(flags))
  }
}
