import { parseIPv6 } from '../../base/address.ts'
import { concat, equal, viewOf } from '../../base/bytes.ts'
import { internetChecksum } from '../../base/checksum.ts'
import { type Attached, type Peer, PROTOCOL, type Protocol, type Stack } from './stack.ts'
import { be16, be32, ETHERTYPE, ethernet, sourceOf } from './wire.ts'

const HOP_LIMIT = 64
/** Neighbour discovery never crosses a router: whoever sends less than this is not on the link (RFC 4861 section 7.1). */
const ON_LINK = 255

const ND = { solicitation: 135, advertisement: 136 } as const
/** Options: type, then length in units of 8 bytes (RFC 4861 section 4.6.1). */
const LINK_LAYER = { source: 1, target: 2 } as const
const FLAG = { solicited: 0x40, override: 0x20 } as const

const UNSPECIFIED = new Uint8Array(16)
const ALL_NODES = parseIPv6('ff02::1')

/** RFC 2464 section 7: the last four bytes of a group make its MAC address. */
const macOfGroup = (group: Uint8Array): Uint8Array => concat(Uint8Array.of(0x33, 0x33), group.subarray(12))

/** RFC 4291 section 2.7.1: ff02::1:ff and the last three bytes of the address. */
const solicitedNode = (address: Uint8Array): Uint8Array =>
  concat(parseIPv6('ff02::1:ff00:0').subarray(0, 13), address.subarray(13))

/** The groups that a host with this address listens to. */
export const groupsOf = (address: Uint8Array): Uint8Array[] => [ALL_NODES, solicitedNode(address)].map(macOfGroup)

/** IPv6 (RFC 8200) without extension headers, and neighbour discovery (RFC 4861). */
export function ipv6(stack: Stack, own: Attached): Protocol {
  const send = (mac: Uint8Array, to: Uint8Array, hopLimit: number, protocol: number, message: Uint8Array) =>
    stack.send(ethernet(mac, stack.mac, ETHERTYPE.ipv6, packet(own.address, to, hopLimit, protocol, message)))

  const peer = (address: Uint8Array, mac: Uint8Array): Peer => ({
    version: 6,
    address,
    send: (protocol, message) => send(mac, address, HOP_LIMIT, protocol, message),
    pseudoHeader: (protocol, length) => pseudoHeader(own.address, address, protocol, length),
  })

  function sendNeighbour(
    mac: Uint8Array,
    to: Uint8Array,
    [type, flags]: readonly [type: number, flags: number],
    target: Uint8Array,
    option: number,
  ): void {
    const message = concat(Uint8Array.of(type, 0, 0, 0, flags, 0, 0, 0), target, Uint8Array.of(option, 1), stack.mac)
    const pseudo = pseudoHeader(own.address, to, PROTOCOL.icmpv6, message.length)
    message.set(be16(internetChecksum(pseudo, message)), 2)
    send(mac, to, ON_LINK, PROTOCOL.icmpv6, message)
  }

  function solicited(source: Uint8Array, frame: Uint8Array, message: Uint8Array): void {
    if (!equal(message.subarray(8, 24), own.address)) return
    const isProbe = equal(source, UNSPECIFIED)
    const mac = linkLayerOption(message, LINK_LAYER.source) ?? sourceOf(frame)
    if (!isProbe) stack.learn(source, mac)
    // Somebody who wants this address for itself (duplicate detection) has none to be answered at: all nodes hear it.
    const to = isProbe ? ALL_NODES : source
    const flags = FLAG.override | (isProbe ? 0 : FLAG.solicited)
    const kind = [ND.advertisement, flags] as const
    sendNeighbour(isProbe ? macOfGroup(ALL_NODES) : mac, to, kind, own.address, LINK_LAYER.target)
  }

  function advertised(message: Uint8Array): void {
    const mac = linkLayerOption(message, LINK_LAYER.target)
    if (mac !== undefined) stack.learn(message.slice(8, 24), mac)
  }

  return {
    receive: (frame) => {
      const header = frame.subarray(14)
      if (header.length < 40 || (header[0] ?? 0) >> 4 !== 6) return
      const length = viewOf(header).getUint16(4)
      const source = header.slice(8, 24)
      const destination = header.subarray(24, 40)
      const message = header.slice(40, 40 + length)
      const isOwn = equal(destination, own.address)
      const groups = [ALL_NODES, solicitedNode(own.address)]
      if (message.length < length || (!isOwn && !groups.some((group) => equal(group, destination)))) return
      const protocol = header[6] ?? 0
      const [type] = message
      const isNeighbour = protocol === PROTOCOL.icmpv6 && (type === ND.solicitation || type === ND.advertisement)
      if (!isNeighbour) {
        const packet = header.slice(0, 40 + length)
        return stack.deliver({
          from: peer(source, sourceOf(frame)),
          protocol,
          message,
          packet,
          isUnicast: isOwn,
          frame,
        })
      }
      const pseudo = pseudoHeader(source, destination, PROTOCOL.icmpv6, length)
      const isRight = header[7] === ON_LINK && length >= 24 && internetChecksum(pseudo, message) === 0
      if (!isRight) stack.keep(frame)
      else if (type === ND.solicitation) solicited(source, frame, message)
      else advertised(message)
    },
    solicit: (neighbour) => {
      const group = solicitedNode(neighbour)
      sendNeighbour(macOfGroup(group), group, [ND.solicitation, 0], neighbour, LINK_LAYER.source)
    },
    peer,
  }
}

/** RFC 8200 section 8.1: what the checksum covers besides the message. */
const pseudoHeader = (source: Uint8Array, destination: Uint8Array, protocol: number, length: number): Uint8Array =>
  concat(source, destination, be32(length), be32(protocol))

const packet = (
  source: Uint8Array,
  destination: Uint8Array,
  hopLimit: number,
  protocol: number,
  message: Uint8Array,
): Uint8Array =>
  concat(be32(0x60000000), be16(message.length), Uint8Array.of(protocol, hopLimit), source, destination, message)

/** The link-layer address in an option of a neighbour message, whose options begin behind the target. */
function linkLayerOption(message: Uint8Array, type: number): Uint8Array | undefined {
  for (let at = 24; at + 8 <= message.length; ) {
    const length = (message[at + 1] ?? 0) * 8
    // An option of no length would make the list endless (RFC 4861 section 4.6).
    if (length === 0) return undefined
    if (message[at] === type) return message.slice(at + 2, at + 8)
    at += length
  }
  return undefined
}
