import { openSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import { check, fileFailure, hasCode } from './errno.ts'
import { close, getOption, socket } from './ffi.ts'

/** Where `ip netns` keeps named network namespaces: a file each, with the namespace mounted over it. */
export const NETNS_FOLDER = '/run/netns'

/** No slash, for it is a file name, and not hidden. */
export function namespaceFile(name: string): string {
  if (!/^[^./\s][^/\s]{0,254}$/.test(name)) {
    throw refusal(`"${name}" is no name for a network namespace`, 'it is a file name: no slash, no leading dot')
  }
  return join(NETNS_FOLDER, name)
}

/** A handle that keeps the namespace alive until it is closed. */
export function openNamespace(name: string): number {
  try {
    return openSync(namespaceFile(name), 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) {
      throw refusal(`there is no network namespace "${name}"`, 'see `ip netns list`, or make it with `ip netns add`')
    }
    throw fileFailure('namespace', `open the network namespace "${name}"`, error)
  }
}

/** The namespace that this thread is in. */
const OWN = '/proc/thread-self/ns/net'

export const openOwnNamespace = (): number => openSync(OWN, 'r')

/** asm-generic/socket.h */
const SOL_SOCKET = 1
const SO_NETNS_COOKIE = 71
const AF_UNIX = 1
const SOCK_DGRAM = 2

/** `net:[4026531840] 1`: the file's number, which another one may have when this is gone, and one that none has again (Linux 5.14). */
export function ownNamespace(): string {
  const name = readlinkSync(OWN)
  const fd = check(socket(AF_UNIX, SOCK_DGRAM, 0), 'namespace', 'make a socket')
  const cookie = new BigUint64Array(1)
  const bytes = ({ buffer }: BigUint64Array | Int32Array) => new Uint8Array(buffer)
  const result = getOption(fd, SOL_SOCKET, SO_NETNS_COOKIE, bytes(cookie), bytes(Int32Array.of(cookie.byteLength)))
  close(fd)
  return result < 0 ? name : `${name} ${cookie[0]}`
}
