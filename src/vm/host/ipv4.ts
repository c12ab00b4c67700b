import { concat, equal, viewOf } from '../../base/bytes.ts'
import { internetChecksum } from '../../base/checksum.ts'
import type { Attached, Peer, Protocol, Stack } from './stack.ts'
import { BROADCAST, be16, ETHERTYPE, ethernet, ethertypeOf, sourceOf } from './wire.ts'

const ARP = { request: 1, reply: 2 } as const

/** ARP (RFC 826) and IPv4 (RFC 791), without fragments. */
export function ipv4(stack: Stack, own: Attached): Protocol {
  const peer = (address: Uint8Array, mac: Uint8Array): Peer => ({
    version: 4,
    address,
    send: (protocol, message) =>
      stack.send(ethernet(mac, stack.mac, ETHERTYPE.ipv4, packet(own.address, address, protocol, message))),
    // RFC 9293 section 3.1, RFC 768.
    pseudoHeader: (protocol, length) => concat(own.address, address, Uint8Array.of(0, protocol), be16(length)),
  })
  return {
    receive: (frame) =>
      ethertypeOf(frame) === ETHERTYPE.arp ? receiveArp(stack, own, frame) : receiveIPv4(stack, own, frame, peer),
    solicit: (neighbour) => {
      const request = arp(ARP.request, stack.mac, own.address, new Uint8Array(6), neighbour)
      stack.send(ethernet(BROADCAST, stack.mac, ETHERTYPE.arp, request))
    },
    peer,
  }
}

/** Ethernet and IPv4 in ARP: hardware type 1, addresses of 6 and of 4 bytes. */
const ARP_HEADER = Uint8Array.of(0, 1, 8, 0, 6, 4)

const arp = (
  operation: number,
  mac: Uint8Array,
  address: Uint8Array,
  targetMac: Uint8Array,
  target: Uint8Array,
): Uint8Array => concat(ARP_HEADER, be16(operation), mac, address, targetMac, target)

function receiveArp(stack: Stack, own: Attached, frame: Uint8Array): void {
  const message = frame.subarray(14, 42)
  if (message.length < 28 || !equal(message.subarray(0, 6), ARP_HEADER)) return
  const operation = viewOf(message).getUint16(6)
  const mac = message.slice(8, 14)
  const address = message.slice(14, 18)
  if (!equal(message.subarray(24, 28), own.address)) return
  // A probe (RFC 5227) comes from nobody: there is nothing to remember.
  if (address.some((octet) => octet !== 0)) stack.learn(address, mac)
  if (operation !== ARP.request) return
  stack.send(ethernet(mac, stack.mac, ETHERTYPE.arp, arp(ARP.reply, stack.mac, own.address, mac, address)))
}

function receiveIPv4(stack: Stack, own: Attached, frame: Uint8Array, peer: Protocol['peer']): void {
  const header = frame.subarray(14)
  const length = ((header[0] ?? 0) & 0x0f) * 4
  if (header.length < 20 || (header[0] ?? 0) >> 4 !== 4 || length < 20 || header.length < length) return
  const view = viewOf(header)
  const total = view.getUint16(2)
  if (internetChecksum(header.subarray(0, length)) !== 0 || total < length || total > header.length) return
  if (!equal(header.subarray(16, 20), own.address)) return
  const isFragment = (view.getUint16(6) & 0x3fff) !== 0
  if (isFragment) return stack.keep(frame)
  stack.deliver({
    from: peer(header.slice(12, 16), sourceOf(frame)),
    protocol: header[9] ?? 0,
    message: header.slice(length, total),
    packet: header.slice(0, total),
    isUnicast: true,
    frame,
  })
}

/** A header of 20 bytes, time to live 64, "don't fragment". */
function packet(source: Uint8Array, destination: Uint8Array, protocol: number, message: Uint8Array): Uint8Array {
  const start = concat(Uint8Array.of(0x45, 0), be16(20 + message.length))
  const header = concat(start, Uint8Array.of(0, 0, 0x40, 0, 64, protocol, 0, 0), source, destination)
  header.set(be16(internetChecksum(header)), 10)
  return concat(header, message)
}
