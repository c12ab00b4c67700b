import { viewOf } from '../../base/bytes.ts'
import { attributes, exchange, u32 } from '../netlink.ts'

/** Numbers that a network namespace has for others: RTM_*NSID, `struct rtgenmsg`, NETNSA_* (linux/net_namespace.h). */

const RTM_GETNSID = 90
const NETNSA = { nsid: 1, fd: 3 } as const

/** The number of the namespace behind a file descriptor; undefined where it has none, and so nothing here leads there. */
export function namespaceId(fd: number): number | undefined {
  const { errno, replies } = exchange(RTM_GETNSID, 0, new Uint8Array(4), u32(NETNSA.fd, fd))
  const [reply] = replies
  const id = errno === 0 && reply !== undefined ? attributes(reply.subarray(4)).get(NETNSA.nsid) : undefined
  const number = id === undefined ? -1 : viewOf(id).getInt32(0, true)
  return number < 0 ? undefined : number
}
