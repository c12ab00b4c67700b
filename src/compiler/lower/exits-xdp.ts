/** How a packet leaves by a port at the XDP hook: the interfaces are in a map, by the numbers of their ports. */
import { refusal } from '../../base/diagnostic.ts'
import { REDIRECT, XDP_ACTION } from '../../isa/opcodes.ts'
import type { Destination } from '../assembly.ts'
import { placeOf } from '../emit/emit.ts'
import type { Value } from '../ir.ts'
import type { Open } from '../wired.ts'
import { MAP, SLOT } from '../wiring.ts'
import { type ExitParts, Exits } from './exits.ts'

export class XdpExits extends Exits {
  private readonly isTransparent: boolean

  constructor(parts: ExitParts) {
    super('xdp', parts)
    this.isTransparent = parts.cube.shape === 'transparent'
  }

  /**
   * One packet goes to all, and the kernel copies it after the program has ended (Linux 5.13). What an interface does not
   * take is lost without a word, so that all of them count as sent.
   */
  protected buildFlood(): void {
    const { builder, wiring } = this
    const others = wiring.ways.filter(({ port, to }) => port !== wiring.port && to !== 'nowhere')
    const [only] = others
    if (only === undefined) return this.dropFor('no_such_port')
    if (others.length === 1 && only.to !== 'interface') {
      this.settle(only.to !== 'node')
      return this.send(only)
    }
    if (others.some(({ to }) => to !== 'interface'))
      throw refusal(
        'a flood leads to several places, cubes among them, and XDP can copy packets to interfaces only',
        'attach the graph to TC (attach: tc ingress), or join what floods to the other cubes by a pair of veths',
        placeOf(builder.at),
      )
    this.settle(true)
    for (const { port } of others) this.counts.count(port, SLOT.sent)
    // What came from another cube may go out where it came in.
    const isAlone = wiring.ways.some(({ port, to }) => port === wiring.port && to === 'interface')
    this.redirect(builder.constant(0), REDIRECT.broadcast | (isAlone ? REDIRECT.excludeIngress : 0))
    this.packet.leave(builder.constant(XDP_ACTION.redirect))
  }

  /** Interfaces are found by the kernel; what leads elsewhere, before that. */
  protected buildForward(port: Value): void {
    const elsewhere = this.wiring.ways.filter(({ to }) => to !== 'interface')
    const interfaces = () => this.redirectTo(port)
    if (elsewhere.length === this.wiring.ways.length && elsewhere.length > 0)
      return this.search(
        port,
        elsewhere,
        (way) => this.send(way),
        () => this.dropFor('no_such_port'),
      )
    if (elsewhere.length === 0) return interfaces()
    const other = this.builder.newBlock()
    this.search(
      port,
      elsewhere,
      (way) => this.send(way),
      () => this.builder.jump(other),
    )
    this.builder.enter(other)
    interfaces()
  }

  private redirectTo(port: Value): void {
    const { builder } = this
    const [found, missing] = [builder.newBlock(), builder.newBlock()]
    // Where the map has no such entry, the result is the action in the low bits of the flags: here XDP_ABORTED.
    const action = this.redirect(port, XDP_ACTION.aborted)
    builder.branch('eq', 64, action, builder.constant(XDP_ACTION.redirect), found, missing)
    builder.enter(missing)
    this.dropFor('no_such_port')
    builder.enter(found)
    this.counts.count(port, SLOT.sent)
    this.packet.leave(builder.constant(XDP_ACTION.redirect))
  }

  protected leave(way: Extract<Destination<Open>, { to: 'interface' | 'host' }>, port: Open): void {
    const { builder } = this
    if (way.to === 'host')
      throw refusal(
        "a port leads to the host's stack, which XDP cannot send to",
        'attach the graph to TC: attach: tc ingress',
      )
    // Interfaces behind a transparent cube are those of other cubes' ports.
    if (this.isTransparent)
      builder.emit({ op: 'call', helper: 'redirect' }, builder.constant(way.ifindex), builder.constant(0))
    else this.redirect(builder.constant(port), XDP_ACTION.aborted)
    this.packet.leave(builder.constant(XDP_ACTION.redirect))
  }

  private redirect(port: Value, flags: number): Value {
    const { builder } = this
    const map = builder.emit({ op: 'map', name: `${this.prefix}${MAP.exits}` })
    return builder.emit({ op: 'call', helper: 'redirect_map' }, map, port, builder.constant(flags))
  }
}
