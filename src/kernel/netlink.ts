import { alignUp, concat, cString, fromCString, viewOf } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import { check, ERRNO, failure, type Operation } from './errno.ts'
import { bind, close, receive, send, setOption, socket } from './ffi.ts'

/**
 * Netlink (linux/netlink.h), mostly of routing (linux/rtnetlink.h). A message is
 *
 *     | length 32 | type 16 | flags 16 | sequence 32 | port 32 | the object's fixed part | attributes |
 *
 * and an attribute | length 16 | type 16 | value |, padded to 4 bytes. A socket belongs to the network namespace it was
 * opened in, so there is one for every exchange.
 */

export const NLM_F = { request: 0x01, ack: 0x04, dump: 0x300, replace: 0x100, excl: 0x200, create: 0x400 } as const

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOCK_NONBLOCK = 0o4000
const NETLINK = { route: 0, generic: 16 } as const
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLM_F_DUMP_INTR = 0x10
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200
const NLMSGERR_ATTR_MSG = 1
const NLA_F_NESTED = 0x8000
const HEADER = 16

/** One attribute, or nothing where the value is undefined. */
export function attribute(type: number, value: Uint8Array | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array(0)
  const bytes = new Uint8Array(alignUp(4 + value.length, 4))
  viewOf(bytes).setUint16(0, 4 + value.length, true)
  viewOf(bytes).setUint16(2, type, true)
  bytes.set(value, 4)
  return bytes
}

export const nested = (type: number, ...attributes: readonly Uint8Array[]): Uint8Array =>
  attribute(type | NLA_F_NESTED, concat(...attributes))

export const string = (type: number, text: string | undefined): Uint8Array =>
  attribute(type, text === undefined ? undefined : cString(text))

export function u32(type: number, value: number | undefined): Uint8Array {
  return attribute(type, value === undefined ? undefined : new Uint8Array(new Uint32Array([value]).buffer))
}

export const u8 = (type: number, value: number | undefined): Uint8Array =>
  attribute(type, value === undefined ? undefined : Uint8Array.of(value))

/** Attributes by type; of two alike the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>

export function attributes(bytes: Uint8Array): Attributes {
  const found = new Map<number, Uint8Array>()
  const view = viewOf(bytes)
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true)
    if (length < 4 || at + length > bytes.length) break
    found.set(view.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + 4, at + length))
    at += alignUp(length, 4)
  }
  return found
}

export const textOf = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : fromCString(value)

export const numberOf = (value: Uint8Array | undefined): number | undefined =>
  value === undefined || value.length < 4 ? undefined : viewOf(value).getUint32(0, true)

export interface Answer {
  /** 0, or an errno. */
  readonly errno: number
  /** The kernel's own words, where it has any (extended acknowledgement, Linux 4.12). */
  readonly reason: string
  /** What follows the header of each message. */
  readonly replies: readonly Uint8Array[]
}

/** Sends one message and reads until the kernel has acknowledged it or said that the dump is done. */
export const exchange = (type: number, flags: number, ...body: readonly Uint8Array[]): Answer =>
  talk(NETLINK.route, type, flags, body)

/** The same to a family of generic netlink (linux/genetlink.h). */
export const exchangeGeneric = (family: number, ...body: readonly Uint8Array[]): Answer =>
  talk(NETLINK.generic, family, 0, body)

function talk(protocol: number, type: number, flags: number, body: readonly Uint8Array[]): Answer {
  const payload = concat(...body)
  const message = new Uint8Array(HEADER + payload.length)
  const view = viewOf(message)
  view.setUint32(0, message.length, true)
  view.setUint16(4, type, true)
  // A request with NLM_F_DUMP ends with NLMSG_DONE and takes no acknowledgement.
  view.setUint16(6, flags | NLM_F.request | (flags === NLM_F.dump ? 0 : NLM_F.ack), true)
  view.setUint32(8, 1, true)
  message.set(payload, HEADER)
  // Something changed while the kernel went through a list: ask again, as the flag's documentation says.
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = once(protocol, message)
    if (answer !== 'interrupted') return answer
  }
  throw refusal('the kernel cannot list its objects: they change all the time', 'try again')
}

/** A socket that is told of what happens to the objects of these groups (linux/rtnetlink.h, RTMGRP_*), and never waits. */
export function openEvents(groups: number): number {
  const fd = check(socket(AF_NETLINK, SOCK_RAW_CLOEXEC | SOCK_NONBLOCK, NETLINK.route), 'link', 'open a netlink socket')
  const address = new Uint8Array(12)
  viewOf(address).setUint16(0, AF_NETLINK, true)
  viewOf(address).setUint32(8, groups, true)
  const result = bind(fd, address)
  if (result < 0) close(fd)
  check(result, 'link', 'bind a netlink socket')
  return fd
}

/** The replies, or a refusal with the kernel's reason. */
export function request(
  operation: Operation,
  what: string,
  type: number,
  flags: number,
  ...body: readonly Uint8Array[]
): readonly Uint8Array[] {
  const { errno, reason, replies } = exchange(type, flags, ...body)
  if (errno !== 0) throw failure(operation, what, errno, reason)
  return replies
}

function once(protocol: number, message: Uint8Array): Answer | 'interrupted' {
  const fd = check(socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), 'link', 'open a netlink socket')
  try {
    const on = Uint8Array.of(1, 0, 0, 0)
    // Before Linux 4.12 there are no reasons, and errors come with a copy of the whole request; neither matters.
    setOption(fd, SOL_NETLINK, NETLINK_EXT_ACK, on)
    setOption(fd, SOL_NETLINK, NETLINK_CAP_ACK, on)
    const anyPort = new Uint8Array(12)
    viewOf(anyPort).setUint16(0, AF_NETLINK, true)
    check(bind(fd, anyPort), 'link', 'bind a netlink socket')
    check(send(fd, message), 'link', 'ask the kernel over netlink')
    return answerOn(fd)
  } finally {
    close(fd)
  }
}

function answerOn(fd: number): Answer | 'interrupted' {
  const replies: Uint8Array[] = []
  // The kernel fills at most 32 KiB of a dump at once (net/netlink/af_netlink.c, netlink_dump).
  const buffer = new Uint8Array(64 * 1024)
  let interrupted = false
  for (;;) {
    const length = receive(fd, buffer)
    if (length === -ERRNO.EINTR) continue
    check(length, 'link', 'read from netlink')
    const view = viewOf(buffer)
    for (let at = 0; at + HEADER <= length; at += alignUp(view.getUint32(at, true), 4)) {
      const end = at + view.getUint32(at, true)
      const type = view.getUint16(at + 4, true)
      const flags = view.getUint16(at + 6, true)
      interrupted ||= (flags & NLM_F_DUMP_INTR) !== 0
      if (type === NLMSG_ERROR || type === NLMSG_DONE) {
        if (interrupted) return 'interrupted'
        const errno = end - at >= HEADER + 4 ? -view.getInt32(at + HEADER, true) : 0
        return { errno, reason: reasonIn(buffer.subarray(at, end), type, flags), replies }
      }
      replies.push(buffer.slice(at + HEADER, end))
    }
  }
}

/** `struct nlmsgerr` has the errno and the request's header, the request's body unless capped, and then attributes. */
function reasonIn(message: Uint8Array, type: number, flags: number): string {
  if (type !== NLMSG_ERROR || (flags & NLM_F_ACK_TLVS) === 0) return ''
  const original = viewOf(message).getUint32(HEADER + 4, true)
  const skipped = HEADER + 4 + ((flags & NLM_F_CAPPED) === 0 ? alignUp(original, 4) : HEADER)
  return textOf(attributes(message.subarray(skipped)).get(NLMSGERR_ATTR_MSG)) ?? ''
}
