import { concat, viewOf } from '../base/bytes.ts'
import { ERRNO } from './errno.ts'
import { findLink } from './netlink/link.ts'
import { attributes, exchangeGeneric, string, u32 } from './netlink.ts'

/** What drivers can do for XDP: generic netlink, family `netdev` (linux/netdev.h). */

const GENL_ID_CTRL = 0x10
const CTRL = { getfamily: 3, family_id: 1, family_name: 2 } as const
const NETDEV = { dev_get: 1, ifindex: 1, xdp_features: 3 } as const

/** NETDEV_XDP_ACT_BASIC, _REDIRECT and _NDO_XMIT: runs programs, sends frames elsewhere, takes those that come from elsewhere. */
const NEEDED = 0b111n

/**
 * Whether the driver of an interface can do all that redirecting takes. Not known before Linux 6.3, and then it counts as no.
 *
 * A veth never does. It takes redirected frames only while NAPI runs at its other end, by an XDP program or
 * `ethtool -K … gro on`, which nobody can see from this end; otherwise they are lost without a word. And a checksum that the
 * sender had left to the hardware is never computed.
 */
export function canNatively(index: number): boolean {
  if (findLink(index)?.kind === 'veth') return false
  const family = familyId()
  if (family === undefined) return false
  const { errno, replies } = exchangeGeneric(family, genlmsg(NETDEV.dev_get), u32(NETDEV.ifindex, index))
  const [reply] = replies
  if (errno !== 0 || reply === undefined) return false
  const features = attributes(reply.subarray(4)).get(NETDEV.xdp_features)
  return features !== undefined && (viewOf(features).getBigUint64(0, true) & NEEDED) === NEEDED
}

/** `struct genlmsghdr`: | command 8 | version 8 | reserved 16 | */
const genlmsg = (command: number): Uint8Array => Uint8Array.of(command, 1, 0, 0)

function familyId(): number | undefined {
  const { errno, replies } = exchangeGeneric(
    GENL_ID_CTRL,
    concat(genlmsg(CTRL.getfamily), string(CTRL.family_name, 'netdev')),
  )
  if (errno === ERRNO.ENOENT) return undefined
  const id = attributes((replies[0] ?? new Uint8Array(4)).subarray(4)).get(CTRL.family_id)
  return id === undefined ? undefined : viewOf(id).getUint16(0, true)
}
