import { viewOf } from '../base/bytes.ts'
import { check, ERRNO } from './errno.ts'
import { addressOf, bind, sendMessages, setOption, socket } from './ffi.ts'
import { linkNamed } from './netlink/link.ts'
import { Handle, type Owner } from './objects.ts'

/**
 * Frames out of one interface, many with each call: packet(7), sendmmsg(2). They go past its queue, and by no program at TC egress.
 */

const AF_PACKET = 17
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOL_PACKET = 263
const PACKET_QDISC_BYPASS = 20
const SOL_SOCKET = 1
const SO_MARK = 36

/** Frames of a call, and bytes of all of them. */
const MOST = 64
const ROOM = 256 * 1024
/** `struct mmsghdr`, `struct iovec` and, with its padding, a control message of four bytes (`struct cmsghdr`), on 64-bit machines. */
const MESSAGE = { size: 64, vector: 16, vectors: 24, control: 32, controlLength: 40 } as const
const VECTOR = 16
const CONTROL = { size: 24, length: 20, level: 8, type: 12, data: 16 } as const

export class FrameSender implements Disposable {
  readonly #name: string
  readonly #handle: Handle
  readonly #frames = new Uint8Array(ROOM)
  readonly #messages = new Uint8Array(MOST * MESSAGE.size)
  readonly #vectors = viewOf(new Uint8Array(MOST * VECTOR))
  readonly #controls = viewOf(new Uint8Array(MOST * CONTROL.size))
  readonly #at: bigint
  #count = 0
  #used = 0
  /** Since somebody was told. */
  #refused = 0

  private constructor(name: string, handle: Handle) {
    this.#name = name
    this.#handle = handle
    this.#at = addressOf(this.#frames)
    const view = viewOf(this.#messages)
    const [vectors, controls] = [this.#vectors, this.#controls].map(({ buffer }) => addressOf(new Uint8Array(buffer)))
    for (let index = 0; index < MOST; index++) {
      const message = index * MESSAGE.size
      view.setBigUint64(message + MESSAGE.vector, (vectors ?? 0n) + BigInt(index * VECTOR), true)
      view.setBigUint64(message + MESSAGE.vectors, 1n, true)
      view.setBigUint64(message + MESSAGE.control, (controls ?? 0n) + BigInt(index * CONTROL.size), true)
      view.setBigUint64(message + MESSAGE.controlLength, BigInt(CONTROL.size), true)
      const control = index * CONTROL.size
      this.#controls.setBigUint64(control, BigInt(CONTROL.length), true)
      this.#controls.setInt32(control + CONTROL.level, SOL_SOCKET, true)
      this.#controls.setInt32(control + CONTROL.type, SO_MARK, true)
    }
  }

  /** `name` is looked up in this network namespace, and the socket stays there. */
  static open(name: string, owner?: Owner): FrameSender {
    const { index } = linkNamed(name)
    const what = `open a packet socket on "${name}"`
    // Of no protocol: it receives nothing.
    const handle = new Handle(check(socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0), 'socket', what), owner)
    try {
      // Linux 3.14.
      check(setOption(handle.fd, SOL_PACKET, PACKET_QDISC_BYPASS, Uint8Array.of(1, 0, 0, 0)), 'socket', what)
      const address = new Uint8Array(20)
      viewOf(address).setUint16(0, AF_PACKET, true)
      viewOf(address).setInt32(4, index, true)
      check(bind(handle.fd, address), 'socket', what)
      return new FrameSender(name, handle)
    } catch (error) {
      handle[Symbol.dispose]()
      throw error
    }
  }

  /** From its first MAC address to its last byte, with this mark on it (`skb->mark`). It goes out with the next {@link flush}. */
  add(frame: Uint8Array, mark = 0): void {
    if (this.#count === MOST || this.#used + frame.length > ROOM) this.#send()
    if (frame.length > ROOM) throw new RangeError(`a frame of ${frame.length} bytes`)
    this.#frames.set(frame, this.#used)
    const vector = this.#count * VECTOR
    this.#vectors.setBigUint64(vector, this.#at + BigInt(this.#used), true)
    this.#vectors.setBigUint64(vector + 8, BigInt(frame.length), true)
    this.#controls.setUint32(this.#count * CONTROL.size + CONTROL.data, mark, true)
    this.#used += frame.length
    this.#count++
  }

  /** Says how many the kernel did not take since the last time: too long or too short for the interface, or none was to be had. */
  flush(): number {
    this.#send()
    const refused = this.#refused
    this.#refused = 0
    return refused
  }

  #send(): void {
    let sent = 0
    while (sent < this.#count) {
      const result = sendMessages(this.#handle.fd, this.#messages.subarray(sent * MESSAGE.size), this.#count - sent)
      if (result > 0) sent += result
      else if (result === -ERRNO.EBADF || result === -ERRNO.ENODEV)
        check(result, 'socket', `send frames on "${this.#name}"`)
      else if (result !== -ERRNO.EINTR) {
        sent++
        this.#refused++
      }
    }
    this.#count = 0
    this.#used = 0
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }
}
