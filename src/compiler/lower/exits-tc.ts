/** How a packet leaves by a port at the TC hook: the interfaces are constants of the program. */
import { refusal } from '../../base/diagnostic.ts'
import { REDIRECT_INGRESS, SK_BUFF, TC_ACT } from '../../isa/opcodes.ts'
import type { Copy, Destination, Way } from '../assembly.ts'
import type { Value } from '../ir.ts'
import { MARKED } from '../marked.ts'
import type { Open } from '../wired.ts'
import { SLOT } from '../wiring.ts'
import type { Copying } from './copies.ts'
import { type ExitParts, Exits, isInside } from './exits.ts'
import { OWN } from './packet.ts'

const ENETDOWN = 100

export class TcExits extends Exits {
  private readonly copying: Copying
  private readonly isNext: boolean

  constructor(parts: ExitParts) {
    super('tc', parts)
    this.copying = parts.copying
    this.isNext = parts.isNext === true
  }

  /** Copies to all but the last; what needs none to go on is that one. */
  protected buildFlood(): void {
    const { wiring } = this
    const others = wiring.ways.filter(({ port, to }) => port !== wiring.port && to !== 'nowhere')
    const within = others.filter(
      (way) => way.to === 'on' || ((way.to === 'node' || way.to === 'tail') && way.copy === undefined),
    )
    if (within.length > 1)
      throw refusal('a flood leads to several cubes, and copies have no way to them', 'let it lead to one')
    const last = within[0] ?? others.at(-1)
    if (last === undefined) return this.dropFor('no_such_port')
    this.settle(last.to !== 'node')
    const copies = others.filter((way) => way !== last)
    const [first] = copies.flatMap((way) => copyFor(way) ?? [])
    if (first !== undefined) this.copying.begin(first, this.isNext)
    for (const way of copies) this.copyTo(way, last.to === 'node')
    // The kernel's helper makes what was copied writable again.
    if (copies.length > 0 && last.to === 'node') this.packet.moved()
    this.send(last)
  }

  private copyTo(way: Way<Open>, goesOn: boolean): void {
    const { builder } = this
    const sent = builder.newBlock()
    const failed = builder.newBlock()
    const next = builder.newBlock()
    const { ifindex, flags, mark, isCube } = copyOf(way)
    if (isCube) {
      const [allowed, refused] = [builder.newBlock(), builder.newBlock()]
      this.copying.take(allowed, refused)
      builder.enter(refused)
      this.counts.count(way.port, SLOT.firstDrop + this.reason('too_many_hops'))
      builder.jump(next)
      builder.enter(allowed)
    }
    const context = builder.emit({ op: 'context' })
    if (isCube) this.traces?.hand()
    if (mark !== undefined) this.mark(mark)
    const result = builder.emit(
      { op: 'call', helper: 'clone_redirect', ...(goesOn ? {} : { edge: 'after' }) },
      context,
      builder.constant(ifindex),
      builder.constant(flags),
    )
    if (mark !== undefined) this.mark(0)
    // What a cube drops of its copy gives NET_XMIT_DROP, which is above 0.
    builder.branch(isCube ? 'sge' : 'eq', 64, result, builder.constant(0), sent, failed)
    builder.enter(sent)
    this.counts.count(way.port, SLOT.sent, isInside(way))
    builder.jump(next)
    builder.enter(failed)
    if (isCube) this.countUnsent(way.port, result)
    else this.counts.count(way.port, SLOT.firstDrop + this.reason('send_failed'))
    builder.jump(next)
    builder.enter(next)
  }

  /** Copies are made within copies, as deep as the kernel lets them (XMIT_RECURSION_LIMIT). */
  private countUnsent(port: Open, result: Value): void {
    const { builder } = this
    const [deep, failed, counted] = [builder.newBlock(), builder.newBlock(), builder.newBlock()]
    builder.branch('eq', 64, result, builder.constant(BigInt(-ENETDOWN)), deep, failed)
    for (const [block, reason] of [
      [deep, 'too_many_hops'],
      [failed, 'send_failed'],
    ] as const) {
      builder.enter(block)
      this.counts.count(port, SLOT.firstDrop + this.reason(reason))
      builder.jump(counted)
    }
    builder.enter(counted)
  }

  /** To all interfaces by one end. */
  protected buildForward(port: Value): void {
    const { builder, wiring } = this
    const found = builder.newBlock()
    const isPlain = (way: Way<Open>) => way.to === 'interface' && way.peer !== true && way.marked !== true
    const areMany = wiring.ways.filter(isPlain).length > 1
    this.search(
      port,
      wiring.ways,
      (way) => {
        if (way.to !== 'interface' || !areMany || !isPlain(way)) return this.send(way)
        builder.write(OWN.interface, builder.constant(way.ifindex))
        builder.jump(found)
      },
      () => this.dropFor('no_such_port'),
    )
    builder.enter(found)
    if (found.predecessors.length === 0) return
    const ifindex = builder.read(OWN.interface)
    this.counts.count(port, SLOT.sent)
    this.packet.leave(this.redirect(ifindex))
  }

  protected leave(way: Extract<Destination<Open>, { to: 'interface' | 'host' }>): void {
    const { builder } = this
    const ifindex = builder.constant(way.ifindex)
    if (way.to === 'interface' && way.marked === true) this.mark(MARKED)
    if (way.to === 'interface')
      return this.packet.leave(
        way.peer === true
          ? builder.emit({ op: 'call', helper: 'redirect_peer' }, ifindex, builder.constant(0))
          : this.redirect(ifindex),
      )
    if (way.arrived === true) return this.packet.leave(builder.constant(TC_ACT.ok))
    this.mark(MARKED)
    this.packet.leave(this.redirect(ifindex, REDIRECT_INGRESS))
  }

  private mark(index: Open): void {
    const { builder } = this
    const context = builder.emit({ op: 'context' })
    builder.emit({ op: 'store', size: 4, offset: SK_BUFF.tc_index }, context, builder.constant(index))
  }

  private redirect(ifindex: Value, flags = 0): Value {
    return this.builder.emit({ op: 'call', helper: 'redirect' }, ifindex, this.builder.constant(flags))
  }
}

/** Where a copy goes: to whom it is for, or out of the engine's device, where its program is run at once. */
function copyOf(way: Way<Open>): { ifindex: Open; flags: number; mark?: Open; isCube?: boolean } {
  switch (way.to) {
    case 'interface':
      return { ifindex: way.ifindex, flags: 0, ...(way.marked === true ? { mark: MARKED } : {}) }
    case 'host':
      return { ifindex: way.ifindex, flags: REDIRECT_INGRESS, mark: MARKED }
  }
  const copy = copyFor(way)
  if (copy === undefined) throw new Error(`no copies go ${way.to}`)
  return { ifindex: copy.ifindex, flags: 0, mark: copy.mark, isCube: true }
}

const copyFor = (way: Way<Open>): Copy<Open> | undefined =>
  way.to === 'node' || way.to === 'tail' ? way.copy : undefined
