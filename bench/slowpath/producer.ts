/** A thread that sends packets of ever new flows by an interface, as fast as it can or as fast as it is told, until it is told to end. */
import { workerData } from 'node:worker_threads'
import { viewOf } from '../../src/base/bytes.ts'
import { FrameSender } from '../../src/kernel/frame-sender.ts'

interface Orders {
  readonly name: string
  readonly frame: Uint8Array
  /** At most so many packets may be on their way: `handled` counts those that are not any more. 0: there is no limit. */
  readonly ahead: number
  /** Ended where the first is not 0; the second counts what was handled, the third what was sent. */
  readonly state: Int32Array
}

const { name, frame, ahead, state } = workerData as Orders
/** The source address of IPv4 (RFC 791), behind an Ethernet header. */
const SOURCE = 26
const BURST = 64

using sender = FrameSender.open(name)
const view = viewOf(frame)
let sent = 0
while (Atomics.load(state, 0) === 0) {
  const handled = Atomics.load(state, 1)
  if (ahead > 0 && sent - handled >= ahead) {
    Atomics.wait(state, 1, handled, 10)
    continue
  }
  for (let one = 0; one < BURST; one++) {
    view.setUint32(SOURCE, 0x0a000000 + (sent++ & 0xffffff))
    sender.add(frame)
  }
  sender.flush()
  Atomics.store(state, 2, sent)
}
