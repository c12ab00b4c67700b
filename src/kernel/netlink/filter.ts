import { concat, viewOf } from '../../base/bytes.ts'
import { ERRNO, failure } from '../errno.ts'
import { attributes, exchange, NLM_F, nested, request, string, textOf, u32 } from '../netlink.ts'
import { TCA, tcmsg } from './qdisc.ts'

/** Filters of a clsact or ingress qdisc: RTM_*TFILTER, TCA_BPF_* (linux/pkt_cls.h). */

const RTM = { newtfilter: 44, deltfilter: 45, gettfilter: 46 } as const
const TCA_BPF = { fd: 6, name: 7, flags: 8 } as const
/** The program's return value is the verdict. */
const TCA_BPF_FLAG_ACT_DIRECT = 1

/** linux/pkt_sched.h: TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) and TC_H_MIN_EGRESS. */
export const DIRECTION = { ingress: 0xffff_fff2, egress: 0xffff_fff3 } as const
const ETH_P_ALL_NETWORK_ORDER = 0x0300

export interface Filter {
  /** `bpf`, `flower`, `u32`, … */
  readonly kind: string
  readonly interface: number
  readonly direction: keyof typeof DIRECTION
  readonly handle: number
  readonly priority: number
  /** Of bpf filters only. */
  readonly name: string | undefined
}

/** In the order in which they see a packet. Empty where the interface has no such qdisc. */
export function filters(index: number, direction: keyof typeof DIRECTION): Filter[] {
  const { errno, reason, replies } = exchange(RTM.gettfilter, NLM_F.dump, tcmsg(index, 0, DIRECTION[direction]))
  if (errno === ERRNO.ENOENT || errno === ERRNO.EINVAL || errno === ERRNO.ENODEV) return []
  if (errno !== 0) throw failure('filter', `list the ${direction} filters`, errno, reason)
  return replies.flatMap((message) => {
    const view = viewOf(message)
    const found = attributes(message.subarray(20))
    const options = attributes(found.get(TCA.options) ?? new Uint8Array(0))
    const handle = view.getUint32(8, true)
    const kind = textOf(found.get(TCA.kind)) ?? ''
    // Each priority is listed once without a handle, before its filters.
    if (handle === 0) return []
    return {
      kind,
      interface: view.getInt32(4, true),
      direction,
      handle,
      priority: view.getUint32(16, true) >>> 16,
      name: kind === 'bpf' ? textOf(options.get(TCA_BPF.name)) : undefined,
    }
  })
}

const place = (filter: Pick<Filter, 'interface' | 'direction' | 'handle' | 'priority'>): Uint8Array => {
  const info = ((filter.priority << 16) | ETH_P_ALL_NETWORK_ORDER) >>> 0
  return tcmsg(filter.interface, filter.handle, DIRECTION[filter.direction], info)
}

const bpf = (program: number, name: string): Uint8Array =>
  concat(
    string(TCA.kind, 'bpf'),
    nested(
      TCA.options,
      u32(TCA_BPF.fd, program),
      string(TCA_BPF.name, name),
      u32(TCA_BPF.flags, TCA_BPF_FLAG_ACT_DIRECT),
    ),
  )

/** Of any protocol; the kernel chooses handle and priority, in front of the filters there are. */
export function addFilter(index: number, direction: keyof typeof DIRECTION, program: number, name: string): void {
  const at = place({ interface: index, direction, handle: 0, priority: 0 })
  request('filter', `add the filter "${name}"`, RTM.newtfilter, NLM_F.create | NLM_F.excl, at, bpf(program, name))
}

/** In place: each packet sees the old program or the new one (net/sched/cls_bpf.c swaps one pointer in its list). */
export function replaceFilter(filter: Filter, program: number, name = filter.name ?? ''): void {
  request('filter', `replace the filter "${name}"`, RTM.newtfilter, NLM_F.create, place(filter), bpf(program, name))
}

/** False where it was gone. */
export function deleteFilter(filter: Filter): boolean {
  const { errno, reason } = exchange(RTM.deltfilter, 0, place(filter), string(TCA.kind, filter.kind))
  if (errno === ERRNO.ENOENT || errno === ERRNO.EINVAL || errno === ERRNO.ENODEV) return false
  if (errno !== 0) throw failure('filter', `delete the filter "${filter.name ?? ''}"`, errno, reason)
  return true
}
