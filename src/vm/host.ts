import { formatIPv4, formatIPv6, formatMac, parseIPv4, parseIPv6, parseMac } from '../base/address.ts'
import { equal } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import { ipv4 } from './host/ipv4.ts'
import { groupsOf, ipv6 } from './host/ipv6.ts'
import { type Attached, type Echo, isWithin, type Protocol, parseAttached, type Stack } from './host/stack.ts'
import { BROADCAST, ETHERTYPE, ethertypeOf } from './host/wire.ts'
import type { Endpoint, Send } from './network.ts'

export interface HostOptions {
  readonly mac: string
  /** `10.0.0.1/24` */
  readonly ipv4?: string
  /** `fd00::1/64` */
  readonly ipv6?: string
  /** The next hop for what is not in the host's own network. */
  readonly gateway4?: string
  readonly gateway6?: string
}

/** What happened to a host's frames. */
export interface HostCounters {
  /** For this host. */
  received: number
  sent: number
  /** For somebody else: a switch that floods sends those too. */
  ignored: number
}

interface Version {
  readonly own: Attached
  readonly gateway: Uint8Array | undefined
  readonly protocol: Protocol
}

const PAYLOAD = new TextEncoder().encode('abcdefghijklmnopqrstuvwabcdefghi')

/**
 * A host at the end of a wire: one interface, an IPv4 and an IPv6 address, a neighbour cache; it answers pings and sends
 * them. Everything it does happens while a frame arrives, or inside {@link SimulatedHost.ping}.
 */
export class SimulatedHost implements Endpoint {
  readonly mac: Uint8Array
  /** The neighbour cache: MAC addresses by internet address. */
  readonly neighbours = new Map<string, string>()
  readonly counters: HostCounters = { received: 0, sent: 0, ignored: 0 }
  /** Frames that were for this host and that it has no answer to; whoever looks may empty it. */
  readonly inbox: Uint8Array[] = []
  readonly #version4: Version | undefined
  readonly #version6: Version | undefined
  /** Destinations that this host takes frames for. */
  readonly #filter: readonly Uint8Array[]
  readonly #identifier: number
  #send: Send | undefined
  #sequence = 0
  #awaited: { readonly echo: Echo; seen: boolean } | undefined

  constructor(options: HostOptions) {
    this.mac = parseMac(options.mac)
    this.#identifier = ((this.mac[4] ?? 0) << 8) | (this.mac[5] ?? 0)
    const stack: Stack = {
      mac: this.mac,
      send: (frame) => this.send(frame),
      learn: (address, mac) => void this.neighbours.set(nameOf(address), formatMac(mac)),
      replied: (echo) => this.#replied(echo),
      keep: (frame) => void this.inbox.push(frame.slice()),
    }
    const own4 = options.ipv4 === undefined ? undefined : parseAttached(options.ipv4, parseIPv4)
    const own6 = options.ipv6 === undefined ? undefined : parseAttached(options.ipv6, parseIPv6)
    const gateway4 = options.gateway4 === undefined ? undefined : parseIPv4(options.gateway4)
    const gateway6 = options.gateway6 === undefined ? undefined : parseIPv6(options.gateway6)
    this.#version4 = own4 && { own: own4, gateway: gateway4, protocol: ipv4(stack, own4) }
    this.#version6 = own6 && { own: own6, gateway: gateway6, protocol: ipv6(stack, own6) }
    this.#filter = [this.mac, BROADCAST, ...(own6 === undefined ? [] : groupsOf(own6.address))]
  }

  plugged(send: Send): void {
    this.#send = send
  }

  receive(frame: Uint8Array): void {
    const destination = frame.subarray(0, 6)
    if (!this.#filter.some((address) => equal(address, destination))) {
      this.counters.ignored++
      return
    }
    this.counters.received++
    const type = ethertypeOf(frame)
    if (type === ETHERTYPE.arp || type === ETHERTYPE.ipv4) this.#version4?.protocol.receive(frame)
    else if (type === ETHERTYPE.ipv6) this.#version6?.protocol.receive(frame)
    else this.inbox.push(frame.slice())
  }

  /** Puts a frame on the wire, as it is. */
  send(frame: Uint8Array): void {
    if (this.#send === undefined) throw refusal(`host ${formatMac(this.mac)} is not plugged in`)
    this.counters.sent++
    this.#send(frame)
  }

  /**
   * Whether an echo request to `address` brings an echo reply from there with the same identifier, sequence number and
   * payload. The neighbour (the address itself, or the gateway) is asked for first if the cache does not know it.
   */
  ping(address: string, payload: Uint8Array = PAYLOAD): boolean {
    const version = address.includes(':') ? this.#version6 : this.#version4
    const to = address.includes(':') ? parseIPv6(address) : parseIPv4(address)
    if (version === undefined) throw refusal(`host ${formatMac(this.mac)} has no address that could reach ${address}`)
    const hop = isWithin(to, version.own) ? to : version.gateway
    const mac = hop === undefined ? undefined : this.#resolve(hop, version.protocol)
    if (mac === undefined) return false
    this.#sequence = (this.#sequence + 1) & 0xffff
    const echo = { from: to, identifier: this.#identifier, sequence: this.#sequence, payload }
    const awaited = { echo, seen: false }
    this.#awaited = awaited
    version.protocol.request(to, mac, echo)
    this.#awaited = undefined
    return awaited.seen
  }

  #resolve(neighbour: Uint8Array, protocol: Protocol): Uint8Array | undefined {
    const name = nameOf(neighbour)
    if (!this.neighbours.has(name)) protocol.solicit(neighbour)
    const mac = this.neighbours.get(name)
    return mac === undefined ? undefined : parseMac(mac)
  }

  #replied({ from, identifier, sequence, payload }: Echo): void {
    if (this.#awaited === undefined) return
    const { echo } = this.#awaited
    if (identifier !== echo.identifier || sequence !== echo.sequence) return
    if (equal(from, echo.from) && equal(payload, echo.payload)) this.#awaited.seen = true
  }
}

const nameOf = (address: Uint8Array): string => (address.length === 4 ? formatIPv4(address) : formatIPv6(address))
