/** The data plane alone: verdicts are return values and nothing is counted. For measuring code, and for looking at it. */
import { TC_ACT } from '../../isa/opcodes.ts'
import type { Builder } from '../builder.ts'
import type { Value } from '../ir.ts'
import type { Verdicts } from './exits.ts'
import type { Passage } from './packet.ts'

/**
 * What a flood, a punt and `next` return, and what a forward to port 0 returns; a drop and a pass return what TC calls so, at every
 * hook.
 */
export const RETURNED = { flood: 3, punt: 4, next: 5, forward: 0x100 } as const

export class ReturnedVerdicts implements Verdicts {
  private readonly builder: Builder
  private readonly packet: Passage
  private readonly settle: (isLast: boolean) => void

  constructor(builder: Builder, packet: Passage, settle: (isLast: boolean) => void) {
    this.builder = builder
    this.settle = settle
    this.packet = packet
  }

  received(): void {}
  lost(): void {}
  finish(): void {}

  drop(): void {
    this.return(TC_ACT.shot)
  }

  pass(): void {
    this.settle(true)
    this.return(TC_ACT.ok)
  }

  punt(): void {
    this.settle(true)
    this.return(RETURNED.punt)
  }

  flood(): void {
    this.settle(true)
    this.return(RETURNED.flood)
  }

  next(): void {
    this.settle(true)
    this.return(RETURNED.next)
  }

  forward(port: Value): void {
    const { builder } = this
    this.settle(true)
    this.packet.leave(builder.emit({ op: 'alu', alu: 'add', bits: 32 }, port, builder.constant(RETURNED.forward)))
  }

  private return(verdict: number): void {
    this.packet.leave(this.builder.constant(verdict))
  }
}
