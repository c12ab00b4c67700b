import { concat, viewOf } from '../base/bytes.ts'
import { check, ERRNO, failure } from './errno.ts'
import { addressOf, bind, poll, receiveMessage, send, setOption, socket } from './ffi.ts'
import { linkNamed } from './netlink/link.ts'
import { Handle } from './objects.ts'

/**
 * Whole Ethernet frames in and out of one interface: packet(7). It sees what arrives on the interface, in every
 * protocol, and not what is sent there.
 */

const AF_PACKET = 17
const SOCK_RAW = 3
const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const ETH_P_ALL = 3
const SOL_SOCKET = 1
const SO_RCVBUFFORCE = 33
const SOL_PACKET = 263
const PACKET_AUXDATA = 8
const PACKET_IGNORE_OUTGOING = 23
const PACKET_OUTGOING = 4
const POLLIN = 1
/** linux/if_packet.h, of `struct tpacket_auxdata`. */
const TP_STATUS_VLAN_VALID = 1 << 4
const TP_STATUS_VLAN_TPID_VALID = 1 << 6
const ETH_P_8021Q = 0x8100

const LONGEST_FRAME = 256 * 1024
const MAC_ADDRESSES = 12

export class RawSocket implements Disposable {
  readonly #name: string
  readonly #handle: Handle
  readonly #frame = new Uint8Array(LONGEST_FRAME)
  readonly #from = new Uint8Array(20)
  readonly #control = new Uint8Array(64)
  readonly #vector = new Uint8Array(16)
  readonly #message = new Uint8Array(56)

  private constructor(name: string, handle: Handle) {
    this.#name = name
    this.#handle = handle
    const vector = viewOf(this.#vector)
    vector.setBigUint64(0, addressOf(this.#frame), true)
    vector.setBigUint64(8, BigInt(this.#frame.length), true)
  }

  /**
   * `name` is looked up in this network namespace, and the socket stays there. With an EtherType, it sees only what programs leave
   * to the host's own stack: what it sees of all protocols, it sees before them.
   */
  static open(name: string, protocol = ETH_P_ALL): RawSocket {
    const { index } = linkNamed(name)
    const what = `open a packet socket on "${name}"`
    // Without a protocol, so that nothing of other interfaces is queued before bind names this one.
    const handle = new Handle(check(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK_CLOEXEC, 0), 'socket', what))
    try {
      const on = Uint8Array.of(1, 0, 0, 0)
      check(setOption(handle.fd, SOL_PACKET, PACKET_AUXDATA, on), 'socket', what)
      // Linux 4.20; without it, receive() drops them by their packet type.
      setOption(handle.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, on)
      // A burst between two looks of a test must fit; best effort, for it wants CAP_NET_ADMIN.
      setOption(handle.fd, SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(new Uint32Array([8 << 20]).buffer))
      const address = new Uint8Array(20)
      viewOf(address).setUint16(0, AF_PACKET, true)
      viewOf(address).setUint16(2, protocol)
      viewOf(address).setInt32(4, index, true)
      check(bind(handle.fd, address), 'socket', what)
      return new RawSocket(name, handle)
    } catch (error) {
      handle[Symbol.dispose]()
      throw error
    }
  }

  get fd(): number {
    return this.#handle.fd
  }

  /** From its first MAC address to its last byte; the kernel sends it as it is. */
  send(frame: Uint8Array): void {
    this.#check(send(this.fd, frame), frame)
  }

  /** The same. False where it was dropped on its way out: by a program at TC egress, or a full queue. */
  offer(frame: Uint8Array): boolean {
    const result = send(this.fd, frame)
    return result !== -ERRNO.ENOBUFS && this.#check(result, frame) >= 0
  }

  #check(result: number, frame: Uint8Array): number {
    return check(result, 'socket', `send a frame of ${frame.length} bytes on "${this.#name}"`)
  }

  /** The next frame, with its VLAN tag where it had one; undefined where none arrives within `milliseconds`. */
  receive(milliseconds = 0): Uint8Array | undefined {
    const deadline = performance.now() + milliseconds
    for (;;) {
      const frame = this.#next()
      if (frame !== undefined) return frame
      const left = Math.ceil(deadline - performance.now())
      if (milliseconds === 0 || left <= 0 || !waitFor([this], left).includes(this)) return undefined
    }
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }

  #next(): Uint8Array | undefined {
    for (;;) {
      const length = receiveMessage(this.fd, this.#header())
      if (length === -ERRNO.EAGAIN) return undefined
      if (length === -ERRNO.EINTR) continue
      // The interface went down or away: reported once, and then there is nothing more to read.
      if (length === -ERRNO.ENETDOWN) return undefined
      if (length < 0) throw failure('socket', `receive from "${this.#name}"`, length)
      if (this.#from[10] === PACKET_OUTGOING) continue
      return this.#withTag(this.#frame.slice(0, length))
    }
  }

  /** `struct msghdr`: name, vector, control. The kernel shortens the lengths, so they are written each time. */
  #header(): Uint8Array {
    const view = viewOf(this.#message)
    view.setBigUint64(0, addressOf(this.#from), true)
    view.setUint32(8, this.#from.length, true)
    view.setBigUint64(16, addressOf(this.#vector), true)
    view.setBigUint64(24, 1n, true)
    view.setBigUint64(32, addressOf(this.#control), true)
    view.setBigUint64(40, BigInt(this.#control.length), true)
    return this.#message
  }

  /**
   * The kernel takes a VLAN tag out of the frame and passes it beside (`struct tpacket_auxdata` in a control message:
   * | cmsghdr 16 | status 32 | len 32 | snaplen 32 | mac 16 | net 16 | tci 16 | tpid 16 |); here it goes back in.
   */
  #withTag(frame: Uint8Array): Uint8Array {
    const used = Number(viewOf(this.#message).getBigUint64(40, true))
    const view = viewOf(this.#control)
    const isAuxdata = used >= 36 && view.getInt32(8, true) === SOL_PACKET && view.getInt32(12, true) === PACKET_AUXDATA
    const status = isAuxdata ? view.getUint32(16, true) : 0
    if ((status & TP_STATUS_VLAN_VALID) === 0) return frame
    const tag = new Uint8Array(4)
    const tpid = (status & TP_STATUS_VLAN_TPID_VALID) === 0 ? ETH_P_8021Q : view.getUint16(34, true)
    viewOf(tag).setUint16(0, tpid)
    viewOf(tag).setUint16(2, view.getUint16(32, true))
    return concat(frame.subarray(0, MAC_ADDRESSES), tag, frame.subarray(MAC_ADDRESSES))
  }
}

/** Waits until one of the sockets has something, and says which have. Empty after `milliseconds`; -1 waits for ever. */
export function waitFor(sockets: readonly RawSocket[], milliseconds: number): RawSocket[] {
  const fds = new Uint8Array(sockets.length * 8)
  const view = viewOf(fds)
  sockets.forEach((each, index) => {
    view.setInt32(index * 8, each.fd, true)
    view.setInt16(index * 8 + 4, POLLIN, true)
  })
  const result = poll(fds, milliseconds)
  if (result < 0 && result !== -ERRNO.EINTR) throw failure('socket', 'wait for frames', result)
  return sockets.filter((_, index) => result > 0 && view.getInt16(index * 8 + 6, true) !== 0)
}
