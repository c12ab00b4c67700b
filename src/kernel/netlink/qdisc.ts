import { concat, viewOf } from '../../base/bytes.ts'
import { ERRNO, failure } from '../errno.ts'
import { attributes, exchange, NLM_F, request, string, textOf } from '../netlink.ts'

/** The queueing disciplines that carry filters on ingress: RTM_*QDISC, `struct tcmsg` (linux/rtnetlink.h). */

const RTM = { newqdisc: 36, delqdisc: 37, getqdisc: 38 } as const
export const TCA = { kind: 1, options: 2 } as const

/** linux/pkt_sched.h. `ingress` and `clsact` share the handle and the place, so an interface has one of them at most. */
const TC_H_CLSACT = 0xffff_fff1
const INGRESS_HANDLE = 0xffff_0000

/** `struct tcmsg`: | family 8, padding 24 | ifindex 32 | handle 32 | parent 32 | info 32 | */
export function tcmsg(index: number, handle: number, parent: number, info = 0): Uint8Array {
  const bytes = new Uint8Array(20)
  const view = viewOf(bytes)
  view.setInt32(4, index, true)
  view.setUint32(8, handle, true)
  view.setUint32(12, parent, true)
  view.setUint32(16, info, true)
  return bytes
}

export interface Qdisc {
  readonly interface: number
  readonly kind: 'clsact' | 'ingress'
}

/** Those that filter on ingress, of every interface in this network namespace. */
export function ingressQdiscs(): Qdisc[] {
  const replies = request('qdisc', 'list the qdiscs', RTM.getqdisc, NLM_F.dump, tcmsg(0, 0, 0))
  return replies.flatMap((message) => {
    const kind = textOf(attributes(message.subarray(20)).get(TCA.kind))
    return kind === 'clsact' || kind === 'ingress' ? [{ interface: viewOf(message).getInt32(4, true), kind }] : []
  })
}

export function addClsact(index: number): void {
  const body = concat(tcmsg(index, INGRESS_HANDLE, TC_H_CLSACT), string(TCA.kind, 'clsact'))
  request('qdisc', 'add the clsact qdisc', RTM.newqdisc, NLM_F.create | NLM_F.excl, body)
}

/** With all its filters. False where there was none. */
export function deleteClsact(index: number): boolean {
  const body = concat(tcmsg(index, INGRESS_HANDLE, TC_H_CLSACT), string(TCA.kind, 'clsact'))
  const { errno, reason } = exchange(RTM.delqdisc, 0, body)
  if (errno === ERRNO.ENOENT || errno === ERRNO.ENODEV || errno === ERRNO.EINVAL) return false
  if (errno !== 0) throw failure('qdisc', 'delete the clsact qdisc', errno, reason)
  return true
}
