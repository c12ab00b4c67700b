/** Tells whoever supervises this process how it does: sd_notify(3), a datagram of lines to the socket in `NOTIFY_SOCKET`. */
import { close, connect, send, socket } from './ffi.ts'

/** unix(7) */
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000

/** `READY=1`, `STOPPING=1`, `STATUS=…`. Nobody is told where nobody supervises; and it is nobody's fault where that fails. */
export function notify(line: string, to = process.env.NOTIFY_SOCKET ?? ''): void {
  if (!/^[/@]/.test(to) || to.length > 107) return
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
  if (fd < 0) return
  // A name with @ is in the abstract namespace, where it begins with a zero.
  const path = Buffer.from(to.replace(/^@/, '\0'))
  const address = new Uint8Array(2 + path.length + (to.startsWith('@') ? 0 : 1))
  address[0] = AF_UNIX
  address.set(path, 2)
  if (connect(fd, address) === 0) send(fd, Buffer.from(line))
  close(fd)
}
