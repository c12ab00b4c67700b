import type { Interface } from '../../backend/machine.ts'
import { concat, viewOf } from '../../base/bytes.ts'
import { refusal } from '../../base/diagnostic.ts'
import { ERRNO, failure } from '../errno.ts'
import { close } from '../ffi.ts'
import { openNamespace } from '../namespace-file.ts'
import {
  type Attributes,
  attribute,
  attributes,
  exchange,
  NLM_F,
  nested,
  numberOf,
  request,
  string,
  textOf,
  u8,
  u32,
} from '../netlink.ts'

/** Network interfaces: RTM_*LINK, `struct ifinfomsg`, IFLA_* (linux/if_link.h). */

const RTM = { newlink: 16, dellink: 17, getlink: 18, setlink: 19 } as const
const IFLA = {
  address: 1,
  ifname: 3,
  mtu: 4,
  link: 5,
  master: 10,
  linkinfo: 18,
  af_spec: 26,
  net_ns_fd: 28,
  ext_mask: 29,
  link_netnsid: 37,
  xdp: 43,
} as const
const IFLA_INFO = { kind: 1, data: 2 } as const
const IFLA_XDP = { drv_prog_id: 5, skb_prog_id: 6, hw_prog_id: 7 } as const
const VETH_INFO_PEER = 1
const AF_INET6 = 10
const IFLA_INET6_ADDR_GEN_MODE = 8
const IN6_ADDR_GEN_MODE_NONE = 1
const RTEXT_FILTER_SKIP_STATS = 8
const IFF_UP = 1

export interface Link extends Interface {
  readonly mtu: number
  /** `veth`, `bridge`, …; undefined for hardware. */
  readonly kind: string | undefined
  /** Of a pair, the index of the other end, and the number that its namespace has here if it is in another one. */
  readonly link: number | undefined
  readonly linkNamespace: number | undefined
  /** The XDP programs of the interface, by who runs them. */
  readonly xdp: { readonly native?: number; readonly generic?: number; readonly offloaded?: number }
}

function ifinfomsg(index = 0, flags = 0, change = 0): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = viewOf(bytes)
  view.setInt32(4, index, true)
  view.setUint32(8, flags, true)
  view.setUint32(12, change, true)
  return bytes
}

function parse(message: Uint8Array): Link {
  const view = viewOf(message)
  const found = attributes(message.subarray(16))
  const info = attributes(found.get(IFLA.linkinfo) ?? new Uint8Array(0))
  return {
    name: textOf(found.get(IFLA.ifname)) ?? '',
    index: view.getInt32(4, true),
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
    mac: found.get(IFLA.address) ?? new Uint8Array(6),
    mtu: numberOf(found.get(IFLA.mtu)) ?? 0,
    kind: textOf(info.get(IFLA_INFO.kind)),
    link: numberOf(found.get(IFLA.link)),
    linkNamespace: numberOf(found.get(IFLA.link_netnsid)),
    xdp: programsOf(attributes(found.get(IFLA.xdp) ?? new Uint8Array(0))),
  }
}

/** net/core/rtnetlink.c, rtnl_xdp_fill. */
function programsOf(xdp: Attributes): Link['xdp'] {
  const native = numberOf(xdp.get(IFLA_XDP.drv_prog_id))
  const generic = numberOf(xdp.get(IFLA_XDP.skb_prog_id))
  const offloaded = numberOf(xdp.get(IFLA_XDP.hw_prog_id))
  return {
    ...(native === undefined ? {} : { native }),
    ...(generic === undefined ? {} : { generic }),
    ...(offloaded === undefined ? {} : { offloaded }),
  }
}

const withoutStatistics = u32(IFLA.ext_mask, RTEXT_FILTER_SKIP_STATS)

/** Every interface of this network namespace. */
export const links = (): Link[] =>
  request('link', 'list the interfaces', RTM.getlink, NLM_F.dump, ifinfomsg(), withoutStatistics).map(parse)

/** By name or by index, in this network namespace; undefined where there is none. */
export function findLink(which: string | number): Link | undefined {
  const isName = typeof which === 'string'
  if (isName && !isInterfaceName(which)) return undefined
  const body = [ifinfomsg(isName ? 0 : which), string(IFLA.ifname, isName ? which : undefined), withoutStatistics]
  const { errno, reason, replies } = exchange(RTM.getlink, 0, ...body)
  if (errno === ERRNO.ENODEV) return undefined
  if (errno !== 0) throw failure('link', `look up the interface "${which}"`, errno, reason)
  return replies.map(parse).at(0)
}

/** net/core/dev.c, dev_valid_name: 1 to 15 bytes, no slash, colon or space, neither `.` nor `..`. */
export const isInterfaceName = (name: string): boolean => /^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(name)

export function linkNamed(name: string): Link {
  const link = findLink(name)
  if (link === undefined) throw refusal(`there is no interface "${name}"`, 'see `ip link` for those there are')
  return link
}

export interface VethEnd {
  readonly name: string
  readonly mac?: Uint8Array | undefined
  /** Made straight in this named network namespace. */
  readonly namespace?: string | undefined
}

/** A pair of interfaces, each end with what it sends coming out of the other. Both are down. */
export function createVeth(end: VethEnd, peer: VethEnd): void {
  for (const { name } of [end, peer]) {
    if (!isInterfaceName(name))
      throw refusal(`"${name}" is no interface name`, 'at most 15 characters, no / : or space')
  }
  const handles: number[] = []
  const half = ({ name, mac, namespace }: VethEnd): Uint8Array => {
    if (namespace !== undefined) handles.push(openNamespace(namespace))
    const handle = namespace === undefined ? undefined : handles.at(-1)
    return concat(ifinfomsg(), string(IFLA.ifname, name), attribute(IFLA.address, mac), u32(IFLA.net_ns_fd, handle))
  }
  try {
    request(
      'link',
      `create the veth pair "${end.name}" and "${peer.name}"`,
      RTM.newlink,
      NLM_F.create | NLM_F.excl,
      half(end),
      nested(
        IFLA.linkinfo,
        string(IFLA_INFO.kind, 'veth'),
        nested(IFLA_INFO.data, attribute(VETH_INFO_PEER, half(peer))),
      ),
    )
  } finally {
    for (const handle of handles) close(handle)
  }
}

/** A bridge of the kernel's own, without ports and down. */
export function createBridge(name: string): void {
  const info = nested(IFLA.linkinfo, string(IFLA_INFO.kind, 'bridge'))
  const flags = NLM_F.create | NLM_F.excl
  request('link', `create the bridge "${name}"`, RTM.newlink, flags, ifinfomsg(), string(IFLA.ifname, name), info)
}

/** With a veth its peer goes too. False where there was no such interface. */
export function deleteLink(name: string): boolean {
  const link = findLink(name)
  if (link === undefined) return false
  const { errno, reason } = exchange(RTM.dellink, 0, ifinfomsg(link.index))
  if (errno === ERRNO.ENODEV) return false
  if (errno !== 0) throw failure('link', `delete the interface "${name}"`, errno, reason)
  return true
}

export interface LinkChange {
  readonly up?: boolean
  readonly mtu?: number
  readonly mac?: Uint8Array
  /** The bridge to be a port of. */
  readonly master?: string
  /** No link-local address, hence no neighbour or router solicitations: the interface only carries others' frames. */
  readonly silent?: boolean
  /** The named network namespace to move to. */
  readonly namespace?: string
}

/** In an order of its own: silence comes first, for the kernel, in one message, would first set the interface up. */
export function changeLink(name: string, change: LinkChange): void {
  const { index } = linkNamed(name)
  const set = (...body: readonly Uint8Array[]) => {
    request('link', `change the interface "${name}"`, RTM.setlink, 0, ...body)
  }
  const silence = nested(IFLA.af_spec, nested(AF_INET6, u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE)))
  if (change.silent === true) set(ifinfomsg(index), silence)
  const handle = change.namespace === undefined ? undefined : openNamespace(change.namespace)
  try {
    set(
      change.up === undefined ? ifinfomsg(index) : ifinfomsg(index, change.up ? IFF_UP : 0, IFF_UP),
      u32(IFLA.mtu, change.mtu),
      attribute(IFLA.address, change.mac),
      u32(IFLA.master, change.master === undefined ? undefined : linkNamed(change.master).index),
      u32(IFLA.net_ns_fd, handle),
    )
  } finally {
    if (handle !== undefined) close(handle)
  }
}
