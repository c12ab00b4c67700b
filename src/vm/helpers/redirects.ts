/** Helpers that redirect the packet. What they do is done when the program ends with the action that they return. */
import { viewOf } from '../../base/bytes.ts'
import { REDIRECT, REDIRECT_INGRESS, TC_ACT, XDP_ACTION } from '../../isa/opcodes.ts'
import { type Hook, isDevmap } from '../../isa/program.ts'
import type { Registers } from '../engine.ts'
import { Trap } from '../fault.ts'
import type { Memory } from '../memory.ts'
import { mapIn, unsigned } from './arguments.ts'

/** What redirect_map may return where it finds nothing: XDP_ABORTED to XDP_TX. */
const ACTION_MASK = 3

/** Where a helper sends a packet. */
export interface Destination {
  readonly ifindex: number
  readonly ingress: boolean
  /** To the other end of a pair at once, past what is on this one. */
  readonly peer?: boolean
  /** `tc_index`, which goes with the packet. */
  readonly mark?: number
}

export interface Redirection {
  readonly action: number
  /** Undefined where nothing is chosen: what an earlier call chose stays. */
  readonly to?: readonly Destination[]
}

/** bpf_redirect, bpf_xdp_redirect (net/core/filter.c): flags nobody knows turn into a drop. */
export function redirect(code: Registers, hook: Hook): Redirection {
  const flags = unsigned(code, 2)
  const xdp = hook === 'xdp'
  const known = xdp ? 0 : REDIRECT_INGRESS
  if (code.hi[2] !== 0 || (flags & ~known) !== 0) return { action: xdp ? XDP_ACTION.aborted : TC_ACT.shot }
  const to = [{ ifindex: unsigned(code, 1), ingress: flags === REDIRECT_INGRESS }]
  return { action: xdp ? XDP_ACTION.redirect : TC_ACT.redirect, to }
}

/** bpf_redirect_peer (net/core/filter.c). */
export function redirectToPeer(code: Registers): Redirection {
  if (code.hi[2] !== 0 || code.lo[2] !== 0) return { action: TC_ACT.shot }
  return { action: TC_ACT.redirect, to: [{ ifindex: unsigned(code, 1), ingress: false, peer: true }] }
}

/** bpf_redirect_map with a devmap (net/core/filter.c and include/linux/filter.h, __bpf_xdp_redirect_map). */
export function redirectByMap(memory: Memory, code: Registers, ingress: number): Redirection {
  const map = mapIn(memory, code)
  if (!isDevmap(map.description.kind)) throw new Trap(`r1 is a ${map.description.kind}, and no devmap`)
  const flags = unsigned(code, 3)
  const ways = REDIRECT.broadcast | REDIRECT.excludeIngress
  if (code.hi[3] !== 0 || (flags & ~(ways | ACTION_MASK)) !== 0) return { action: XDP_ACTION.aborted }
  const out = (value: Uint8Array): Destination => ({ ifindex: viewOf(value).getUint32(0, true), ingress: false })
  if ((flags & REDIRECT.broadcast) !== 0) {
    const excluded = (flags & REDIRECT.excludeIngress) !== 0 ? ingress : 0
    const all = [...map.entries()].map(([, value]) => out(value))
    return { action: XDP_ACTION.redirect, to: all.filter(({ ifindex }) => ifindex !== excluded) }
  }
  const slot = map.find(new Uint8Array(Uint32Array.of(code.lo[2] ?? 0).buffer), 0, 'program')
  if (slot < 0) return { action: flags & ACTION_MASK }
  return { action: XDP_ACTION.redirect, to: [out(map.value(slot))] }
}
