import { parseIPv4, parseIPv6 } from '../../base/address.ts'
import { concat, viewOf } from '../../base/bytes.ts'
import { attribute, NLM_F, request, u32 } from '../netlink.ts'
import { linkNamed } from './link.ts'

/** Addresses of interfaces: RTM_NEWADDR, `struct ifaddrmsg`, IFA_* (linux/if_addr.h). */

const RTM_NEWADDR = 20
const RTM_DELADDR = 21
const IFA = { address: 1, local: 2, flags: 8 } as const
/** No duplicate address detection: an IPv6 address works at once, and sends nothing. */
const IFA_F_NODAD = 0x02
const AF_INET = 2
const AF_INET6 = 10

/** `10.0.0.1/24` or `fd00::1/64`: family, bytes, and the length of the prefix, which is all of it where not said. */
export function parsePrefix(text: string): { family: number; bytes: Uint8Array; length: number } {
  const [address = '', prefix] = text.split('/')
  const isIPv6 = address.includes(':')
  const bytes = isIPv6 ? parseIPv6(address) : parseIPv4(address)
  const length = prefix === undefined ? bytes.length * 8 : Number(prefix)
  if (!/^\d+$/.test(prefix ?? '0') || length > bytes.length * 8) {
    throw new RangeError(`"${text}" is not an address with a prefix such as 10.0.0.1/24 or fd00::1/64`)
  }
  return { family: isIPv6 ? AF_INET6 : AF_INET, bytes, length }
}

function message(name: string, prefix: string): Uint8Array {
  const { family, bytes, length } = parsePrefix(prefix)
  const header = Uint8Array.of(family, length, 0, 0, 0, 0, 0, 0)
  viewOf(header).setUint32(4, linkNamed(name).index, true)
  return concat(header, attribute(IFA.local, bytes), attribute(IFA.address, bytes), u32(IFA.flags, IFA_F_NODAD))
}

/** `prefix` as in `10.0.0.1/24`. */
export function addAddress(name: string, prefix: string): void {
  const flags = NLM_F.create | NLM_F.excl
  request('address', `give ${prefix} to the interface "${name}"`, RTM_NEWADDR, flags, message(name, prefix))
}

export function deleteAddress(name: string, prefix: string): void {
  request('address', `take ${prefix} from the interface "${name}"`, RTM_DELADDR, 0, message(name, prefix))
}
