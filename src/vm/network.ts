import { parseMac } from '../base/address.ts'
import { refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import { TC_ACT, XDP_ACTION } from '../isa/opcodes.ts'
import type { AttachPoint } from '../isa/program.ts'
import type { Link } from './attachment.ts'
import { LONGEST_FRAME, SHORTEST_FRAME } from './buffer.ts'
import type { Arrival } from './context.ts'
import { ERRNO } from './errno.ts'
import { Fault } from './fault.ts'
import type { Destination } from './helpers/redirects.ts'
import type { Clone, VirtualProcessor } from './processor.ts'
import { retag, untag } from './vlan.ts'

/** Sends a frame into the interface that an endpoint is plugged into. */
export type Send = (frame: Uint8Array) => void

/** What is at the other end of the wire. */
export interface Endpoint {
  /** Once, when it is plugged in. */
  plugged?(send: Send): void
  /** A frame left the interface and arrives here. */
  receive(frame: Uint8Array, send: Send): void
}

/** What happened to the frames of an interface. */
export interface Counters {
  /** Arrived from the wire. */
  received: number
  /** Left by the wire. */
  sent: number
  /** Dropped by a program's verdict, or by a fault. */
  dropped: number
  /** Handed to the host's own stack. */
  passed: number
  /** Arrived at, or should have left by, an interface that is down or not plugged in. */
  lost: number
}

/** An interface of the virtual machine. */
export class VirtualInterface {
  name: string
  readonly index: number
  readonly mac: Uint8Array
  up: boolean
  present = true
  readonly counters: Counters = { received: 0, sent: 0, dropped: 0, passed: 0, lost: 0 }
  endpoint: Endpoint | undefined
  xdp: Link | undefined
  /** Of the TC hook, in the order in which they were attached, which is the order in which they run. */
  readonly ingress: Link[] = []
  readonly egress: Link[] = []
  /** Descriptions of programs that are not this project's. */
  readonly foreign = new Map<AttachPoint, readonly string[]>()

  constructor(name: string, index: number, mac: Uint8Array, up: boolean) {
    this.name = name
    this.index = index
    this.mac = mac
    this.up = up
  }
}

/** A frame that a program passed to the host's own stack. */
export interface PassedFrame {
  readonly interface: string
  readonly frame: Uint8Array
}

interface Delivery {
  readonly at: VirtualInterface
  /** In from the wire, or out to it. */
  readonly way: 'in' | 'out'
  readonly frame: Uint8Array
  readonly mark?: number | undefined
  /** Past the programs of the interface. */
  readonly peer?: boolean | undefined
}

/** What is sent within something that is sent, and so on (include/linux/netdevice.h, XMIT_RECURSION_LIMIT). */
const DEEPEST = 8

/**
 * Interfaces and wires. What arrives is in one queue, first in, first out, as in the backlog of a CPU; what a program sends is out
 * before it goes on, or before anything else arrives (net/core/filter.c, __bpf_tx_skb and __bpf_rx_skb).
 */
export class Network {
  readonly #processor: VirtualProcessor
  readonly #most: number
  readonly #pass: (passed: PassedFrame) => void
  readonly #byName = new Map<string, VirtualInterface>()
  readonly #byIndex = new Map<number, VirtualInterface>()
  #indices = 0
  #queue: Delivery[] = []
  #delivering = false
  /** The first fault since the frame that was sent first. */
  #fault: Fault | undefined
  /** How many frames are being sent, each within the one before. */
  #depth = 0
  readonly #watches = new Set<{ readonly changed: () => void }>()
  #telling = false

  constructor(processor: VirtualProcessor, most: number, pass: (passed: PassedFrame) => void) {
    this.#processor = processor
    this.#most = most
    this.#pass = pass
  }

  add(name: string, mac: string, up: boolean): VirtualInterface {
    if (this.#byName.has(name)) throw refusal(`there is an interface "${name}" already`)
    this.#indices++
    const added = new VirtualInterface(name, this.#indices, parseMac(mac), up)
    this.#byName.set(name, added)
    this.#byIndex.set(added.index, added)
    this.#tell()
    return added
  }

  setUp(name: string, up: boolean): void {
    this.get(name).up = up
    this.#tell()
  }

  /** Calls `changed` after interfaces were added, removed, or set up or down, once for all that happened in a turn. */
  watch(changed: () => void): Disposable {
    const watch = { changed }
    this.#watches.add(watch)
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) }
  }

  #tell(): void {
    if (this.#watches.size === 0 || this.#telling) return
    this.#telling = true
    queueMicrotask(() => {
      this.#telling = false
      for (const { changed } of [...this.#watches]) changed()
    })
  }

  remove(name: string): void {
    const removed = this.get(name)
    removed.present = false
    this.#byName.delete(name)
    this.#byIndex.delete(removed.index)
    this.#tell()
  }

  rename(name: string, to: string): void {
    const renamed = this.get(name)
    if (this.#byName.has(to)) throw refusal(`there is an interface "${to}" already`)
    this.#byName.delete(name)
    renamed.name = to
    this.#byName.set(to, renamed)
    this.#tell()
  }

  names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  find(which: string | number): VirtualInterface | undefined {
    return typeof which === 'string' ? this.#byName.get(which) : this.#byIndex.get(which)
  }

  get(name: string): VirtualInterface {
    const found = this.#byName.get(name)
    if (found === undefined) throw refusal(`there is no interface "${name}"`, suggestion(name, this.#byName.keys()))
    return found
  }

  plug(name: string, endpoint: Endpoint | undefined): void {
    const target = this.get(name)
    target.endpoint = endpoint
    endpoint?.plugged?.((frame) => this.send(target, 'in', frame))
  }

  /** Queues a copy of a frame and, unless a delivery is under way already, delivers until nothing is left. */
  send(at: VirtualInterface, way: 'in' | 'out', frame: Uint8Array): void {
    if (frame.length < SHORTEST_FRAME || frame.length > LONGEST_FRAME)
      throw refusal(`a frame of ${frame.length} bytes: Ethernet frames have ${SHORTEST_FRAME} to ${LONGEST_FRAME}`)
    this.#queue.push({ at, way, frame: frame.slice() })
    if (!this.#delivering) this.#deliverAll()
  }

  #deliverAll(): void {
    this.#delivering = true
    this.#fault = undefined
    try {
      for (let next = 0; next < this.#queue.length; next++) {
        const delivery = this.#queue[next]
        if (delivery === undefined) break
        if (next >= this.#most) {
          const message = `one frame led to more than ${this.#most} deliveries: it goes round in a loop, last at "${delivery.at.name}"`
          throw refusal(message, 'take one link out of the loop')
        }
        this.#depth = 0
        this.#deliver(delivery)
      }
    } finally {
      this.#queue = []
      this.#delivering = false
    }
    if (this.#fault !== undefined) throw this.#fault
  }

  #deliver(delivery: Delivery): void {
    try {
      if (delivery.way === 'in') this.#arrive(delivery)
      else this.#leave(delivery)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      delivery.at.counters.dropped++
      this.#fault ??= error
    }
  }

  #leave({ at, frame: left, mark, peer = false }: Delivery): void {
    const { endpoint } = at
    const arrival = { ifindex: at.index, ingressIfindex: 0, mac: at.mac, mark }
    const frame = at.present && at.up && !peer ? this.#runTc(at, at.egress, left, arrival) : left
    if (frame === undefined) return
    if (!at.present || !at.up || endpoint === undefined) {
      at.counters.lost++
      return
    }
    at.counters.sent++
    endpoint.receive(frame, (answer) => this.send(at, 'in', answer))
  }

  #arrive({ at, frame: arrived, mark }: Delivery): void {
    const { counters } = at
    if (!at.present || !at.up) {
      counters.lost++
      return
    }
    counters.received++
    const arrival = { ifindex: at.index, ingressIfindex: at.index, mac: at.mac, mark }
    const frame = at.xdp === undefined ? arrived : this.#runXdp(at, at.xdp, arrived)
    const passed = frame === undefined ? undefined : this.#runTc(at, at.ingress, frame, arrival)
    if (passed === undefined) return
    counters.passed++
    this.#pass({ interface: at.name, frame: passed })
  }

  /** The frame to go on with; undefined where a program took it. */
  #runTc(at: VirtualInterface, links: readonly Link[], frame: Uint8Array, arrival: Arrival): Uint8Array | undefined {
    if (links.length === 0) return frame
    let { frame: packet, tag } = untag(frame)
    let { mark } = arrival
    for (const link of links) {
      const outcome = this.#processor.run(link.program.code, packet, { ...arrival, tag, mark }, this.clone)
      packet = outcome.packet
      tag = outcome.tag
      mark = outcome.mark
      // The numbers that tcx_action_code (net/core/dev.c) knows; every other one means: the next program.
      if (outcome.verdict === TC_ACT.ok) break
      if (outcome.verdict === TC_ACT.shot) {
        at.counters.dropped++
        return undefined
      }
      if (outcome.verdict === TC_ACT.redirect) {
        const [to] = outcome.redirects
        // skb_do_redirect (net/core/filter.c): to a peer only what has arrived.
        const isStray = to?.peer === true && arrival.ingressIfindex === 0
        if (to === undefined || isStray || this.#forward(retag(packet, tag), { ...to, mark }) < 0) at.counters.dropped++
        return undefined
      }
    }
    return retag(packet, tag)
  }

  /** The packet to go on with; undefined where the program took it. */
  #runXdp(at: VirtualInterface, link: Link, frame: Uint8Array): Uint8Array | undefined {
    const arrival = { ifindex: at.index, ingressIfindex: at.index, mac: at.mac }
    const { verdict, packet, redirects } = this.#processor.run(link.program.code, frame, arrival, this.clone)
    if (verdict === XDP_ACTION.pass) return packet
    // What XDP sends does not come past programs of TC (ndo_xdp_xmit, generic_xdp_tx).
    if (verdict === XDP_ACTION.tx) this.#deliver({ at, way: 'out', frame: packet, peer: true })
    else if (verdict !== XDP_ACTION.redirect || redirects.length === 0) at.counters.dropped++
    else for (const to of redirects) if (this.#forward(packet, { ...to, peer: true }) < 0) at.counters.dropped++
    return undefined
  }

  /** What clone_redirect does with its copy. Programs that it meets run within the one that sends it. */
  readonly clone: Clone = (packet, to) => {
    const isMet = !to.ingress && (this.#byIndex.get(to.ifindex)?.egress.length ?? 0) > 0
    const forward = () => this.#forward(packet, to)
    return isMet ? this.#processor.aside(forward) : forward()
  }

  /** What it does in a test run: the copy goes nowhere. */
  readonly testClone: Clone = (_packet, to) => (this.#byIndex.has(to.ifindex) ? 0 : -ERRNO.EINVAL)

  #forward(frame: Uint8Array, { ifindex, ingress, mark, peer }: Destination): number {
    const at = this.#byIndex.get(ifindex)
    if (at === undefined) return -ERRNO.EINVAL
    if (ingress) this.#queue.push({ at, way: 'in', frame, mark, peer })
    else if (this.#depth > DEEPEST) return -ERRNO.ENETDOWN
    else {
      this.#depth++
      this.#deliver({ at, way: 'out', frame, mark, peer })
      this.#depth--
    }
    return at.up ? 0 : -ERRNO.ENETDOWN
  }
}
