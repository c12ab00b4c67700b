import { concat } from '../../base/bytes.ts'
import { attribute, NLM_F, request, u32 } from '../netlink.ts'
import { parsePrefix } from './address.ts'
import { linkNamed } from './link.ts'

/** Routes and neighbours of a network namespace: RTM_NEWROUTE, `struct rtmsg`; RTM_NEWNEIGH, `struct ndmsg`. */

const RTM_NEWROUTE = 24
const RTM_NEWNEIGH = 28
const RTA = { dst: 1, oif: 4, gateway: 5 } as const
const NDA = { dst: 1, lladdr: 2 } as const
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const RT_SCOPE_UNIVERSE = 0
const RT_SCOPE_LINK = 253
const RTN_UNICAST = 1
const NUD_PERMANENT = 0x80

/** To `prefix` (`0.0.0.0/0` for what no other route takes) over `interface`, or over the gateway there. */
export function addRoute(prefix: string, over: { readonly interface: string; readonly gateway?: string }): void {
  const { family, bytes, length } = parsePrefix(prefix)
  const scope = over.gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
  const header = Uint8Array.of(family, length, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST, 0, 0, 0, 0)
  request(
    'route',
    `route ${prefix} over the interface "${over.interface}"`,
    RTM_NEWROUTE,
    NLM_F.create | NLM_F.excl,
    concat(header, length === 0 ? new Uint8Array(0) : attribute(RTA.dst, bytes)),
    u32(RTA.oif, linkNamed(over.interface).index),
    attribute(RTA.gateway, over.gateway === undefined ? undefined : parsePrefix(over.gateway).bytes),
  )
}

/** A neighbour that need not be asked for: `address` is at `mac` on the interface, always. */
export function addNeighbour(name: string, address: string, mac: Uint8Array): void {
  const { family, bytes } = parsePrefix(address)
  const header = new Uint8Array(12)
  header[0] = family
  new DataView(header.buffer).setInt32(4, linkNamed(name).index, true)
  new DataView(header.buffer).setUint16(8, NUD_PERMANENT, true)
  const flags = NLM_F.create | NLM_F.replace
  const body = [header, attribute(NDA.dst, bytes), attribute(NDA.lladdr, mac)]
  request('route', `tell "${name}" where ${address} is`, RTM_NEWNEIGH, flags, ...body)
}
