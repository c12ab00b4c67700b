import { formatIPv4, formatIPv6, formatMac, parseIPv4, parseIPv6, parseMac } from '../base/address.ts'
import { equal } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import type { Connection } from './host/connection.ts'
import { type Echo, Icmp, type IcmpError } from './host/icmp.ts'
import { ipv4 } from './host/ipv4.ts'
import { groupsOf, ipv6 } from './host/ipv6.ts'
import {
  type Arrived,
  type Attached,
  isWithin,
  type Peer,
  type Protocol,
  parseAttached,
  type Stack,
} from './host/stack.ts'
import { Tcp } from './host/tcp.ts'
import { type Datagram, isAnswer, parseUdp, sendUdp } from './host/udp.ts'
import { BROADCAST, ETHERTYPE, ethertypeOf } from './host/wire.ts'
import type { Endpoint, Send } from './network.ts'
import { PROTOCOLS, retag, untag } from './vlan.ts'

export type { Connection, ConnectionState } from './host/connection.ts'
export type { IcmpError } from './host/icmp.ts'

export interface HostOptions {
  readonly mac: string
  /** `10.0.0.1/24` */
  readonly ipv4?: string
  /** `fd00::1/64` */
  readonly ipv6?: string
  /** The next hop for what is not in the host's own network. */
  readonly gateway4?: string
  readonly gateway6?: string
  /** 1 to 4094: all that it sends has this tag (IEEE 802.1Q), and frames without it are not for this host. */
  readonly vlan?: number
  /** Ports of UDP and TCP that send back what they get: 7 unless said (RFC 862). */
  readonly echoPorts?: readonly number[]
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

interface AwaitedDatagram {
  readonly peer: Peer
  readonly port: number
  readonly peerPort: number
  answer?: Uint8Array
}

const PAYLOAD = new TextEncoder().encode('abcdefghijklmnopqrstuvwabcdefghi')
const ECHO_PORT = 7
/** The first port of those that nobody is assigned (RFC 6335 section 6). */
const EPHEMERAL = 49_152

/**
 * A host at the end of a wire: one interface, an IPv4 and an IPv6 address, a neighbour cache. It answers ARP (RFC 826) and neighbour
 * solicitations (RFC 4861), pings (RFC 792, RFC 4443), and by an echo service UDP (RFC 768) and TCP (RFC 9293); closed ports answer
 * with "port unreachable" and with a reset. {@link ping}, {@link udp} and {@link connect} ask the same of others. Everything it does
 * happens while a frame arrives or inside those calls, in an order that depends on nothing else: a test that fails fails again.
 */
export class SimulatedHost implements Endpoint {
  readonly mac: Uint8Array
  /** The neighbour cache: MAC addresses by internet address. */
  readonly neighbours = new Map<string, string>()
  readonly counters: HostCounters = { received: 0, sent: 0, ignored: 0 }
  /** Frames that were for this host and that it has no answer to; whoever looks may empty it. */
  readonly inbox: Uint8Array[] = []
  /** What routers and hosts said about packets of this host that were not delivered; whoever looks may empty it. */
  readonly errors: IcmpError[] = []
  readonly #version4: Version | undefined
  readonly #version6: Version | undefined
  /** Destinations that this host takes frames for. */
  readonly #filter: readonly Uint8Array[]
  readonly #vlan: number
  readonly #identifier: number
  readonly #echoPorts: readonly number[]
  readonly #icmp: Icmp
  readonly #tcp: Tcp
  #send: Send | undefined
  #sequence = 0
  #port = EPHEMERAL
  #awaitedEcho: { readonly echo: Echo; seen: boolean } | undefined
  #awaitedDatagram: AwaitedDatagram | undefined

  constructor(options: HostOptions) {
    const { vlan = 0, echoPorts = [ECHO_PORT] } = options
    if (options.vlan !== undefined && !(Number.isInteger(vlan) && vlan >= 1 && vlan <= 4094))
      throw new RangeError(`${vlan} is no VLAN: they are numbered from 1 to 4094`)
    this.mac = parseMac(options.mac)
    this.#vlan = vlan
    this.#identifier = ((this.mac[4] ?? 0) << 8) | (this.mac[5] ?? 0)
    this.#echoPorts = echoPorts
    this.#icmp = new Icmp({ replied: (echo) => this.#replied(echo), failed: (error) => void this.errors.push(error) })
    this.#tcp = new Tcp(echoPorts, (this.#identifier << 16) >>> 0)
    const stack: Stack = {
      mac: this.mac,
      send: (frame) => this.send(this.#tagged(frame)),
      learn: (address, mac) => void this.neighbours.set(nameOf(address), formatMac(mac)),
      deliver: (arrived) => this.#deliver(arrived),
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

  receive(arrived: Uint8Array): void {
    const { frame, tag } = untag(arrived)
    const destination = frame.subarray(0, 6)
    // A tag of VLAN 0 only has a priority (IEEE 802.1Q section 6.9.1).
    const isMine = ((tag?.control ?? 0) & 0xfff) === this.#vlan
    if (!isMine || !this.#filter.some((address) => equal(address, destination))) {
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
    const peer = this.#reach(address)
    if (peer === undefined) return false
    this.#sequence = (this.#sequence + 1) & 0xffff
    const echo = { from: peer.address, identifier: this.#identifier, sequence: this.#sequence, payload }
    const awaited = { echo, seen: false }
    this.#awaitedEcho = awaited
    this.#icmp.request(peer, echo)
    this.#awaitedEcho = undefined
    return awaited.seen
  }

  /**
   * Sends a datagram from a port of its own, and gives the payload of the answer; undefined where there was none. That nobody
   * listens there is then in {@link errors}.
   */
  udp(address: string, peerPort: number, payload: Uint8Array = PAYLOAD): Uint8Array | undefined {
    const peer = this.#reach(address)
    if (peer === undefined) return undefined
    const awaited: AwaitedDatagram = { peer, port: this.#nextPort(), peerPort }
    this.#awaitedDatagram = awaited
    sendUdp(peer, awaited.port, peerPort, payload)
    this.#awaitedDatagram = undefined
    return awaited.answer
  }

  /**
   * Opens a TCP connection. Its state tells what came of that: `established`; `closed` by a reset where nobody listens; `syn-sent`
   * where nobody answered. Undefined where not even the neighbour did.
   */
  connect(address: string, peerPort: number): Connection | undefined {
    const peer = this.#reach(address)
    return peer && this.#tcp.connect(peer, this.#nextPort(), peerPort)
  }

  /** Somebody with this address, by way of a neighbour that has answered. */
  #reach(address: string): Peer | undefined {
    const version = address.includes(':') ? this.#version6 : this.#version4
    const to = address.includes(':') ? parseIPv6(address) : parseIPv4(address)
    if (version === undefined) throw refusal(`host ${formatMac(this.mac)} has no address that could reach ${address}`)
    const hop = isWithin(to, version.own) ? to : version.gateway
    const mac = hop === undefined ? undefined : this.#resolve(hop, version.protocol)
    return mac && version.protocol.peer(to, mac)
  }

  #resolve(neighbour: Uint8Array, protocol: Protocol): Uint8Array | undefined {
    const name = nameOf(neighbour)
    if (!this.neighbours.has(name)) protocol.solicit(neighbour)
    const mac = this.neighbours.get(name)
    return mac === undefined ? undefined : parseMac(mac)
  }

  #tagged(frame: Uint8Array): Uint8Array {
    return this.#vlan === 0 ? frame : retag(frame, { protocol: PROTOCOLS[0], control: this.#vlan })
  }

  #deliver(arrived: Arrived): void {
    const datagram = parseUdp(arrived)
    if (datagram !== undefined) this.#receiveDatagram(datagram, arrived)
    else if (!this.#icmp.receive(arrived) && !this.#tcp.receive(arrived)) this.inbox.push(arrived.frame.slice())
  }

  #receiveDatagram(datagram: Datagram, arrived: Arrived): void {
    const { from, sourcePort, destinationPort, payload } = datagram
    const awaited = this.#awaitedDatagram
    if (awaited !== undefined && isAnswer(datagram, awaited.peer, awaited.port, awaited.peerPort))
      awaited.answer = payload
    else if (!this.#echoPorts.includes(destinationPort)) this.#icmp.portUnreachable(arrived)
    // Two echo services would never stop.
    else if (arrived.isUnicast && !this.#echoPorts.includes(sourcePort))
      sendUdp(from, destinationPort, sourcePort, payload)
  }

  #nextPort(): number {
    const port = this.#port
    this.#port = port === 0xffff ? EPHEMERAL : port + 1
    return port
  }

  #replied({ from, identifier, sequence, payload }: Echo): void {
    if (this.#awaitedEcho === undefined) return
    const { echo } = this.#awaitedEcho
    if (identifier !== echo.identifier || sequence !== echo.sequence) return
    if (equal(from, echo.from) && equal(payload, echo.payload)) this.#awaitedEcho.seen = true
  }
}

const nameOf = (address: Uint8Array): string => (address.length === 4 ? formatIPv4(address) : formatIPv6(address))
