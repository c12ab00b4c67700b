/** Who is at the other end of a Unix socket: unix(7), SO_PEERCRED. */
import type { Socket } from 'node:net'
import { getOption } from './ffi.ts'

/** asm-generic/socket.h */
const SOL_SOCKET = 1
const SO_PEERCRED = 17

export interface PeerCredentials {
  readonly process: number
  readonly uid: number
  readonly gid: number
}

/** As they were when it connected; undefined where the kernel does not say. */
export function peerCredentials(socket: Socket): PeerCredentials | undefined {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
  if (handle?.fd === undefined || handle.fd < 0) return undefined
  // struct ucred
  const found = new Int32Array(3)
  const length = Int32Array.of(found.byteLength)
  const bytes = ({ buffer }: Int32Array) => new Uint8Array(buffer)
  if (getOption(handle.fd, SOL_SOCKET, SO_PEERCRED, bytes(found), bytes(length)) < 0) return undefined
  const [process = 0, uid = 0, gid = 0] = new Uint32Array(found.buffer)
  return { process, uid, gid }
}
