import { close, receive, whenReadable } from '../ffi.ts'
import { openEvents } from '../netlink.ts'

/** linux/rtnetlink.h */
const RTMGRP_LINK = 1

/** Calls `changed` after links of this network namespace came, went or changed, once for all that is known by then. */
export function watchLinks(changed: () => void): Disposable {
  const fd = openEvents(RTMGRP_LINK)
  const buffer = new Uint8Array(64 * 1024)
  const watch = whenReadable(fd, () => {
    // Which ones is not told: what was lost because the socket was full (ENOBUFS) makes no difference then.
    while (receive(fd, buffer) >= 0);
    changed()
  })
  return {
    [Symbol.dispose]: () => {
      watch[Symbol.dispose]()
      close(fd)
    },
  }
}
