/** The TCP of a host (RFC 9293): its connections, and an echo service (RFC 862) on some ports. */
import { formatIPv4, formatIPv6 } from '../../base/address.ts'
import { Connection } from './connection.ts'
import { advance, CONTROL, parseSegment, type Segment, sendSegment, spanOf } from './segment.ts'
import type { Arrived, Peer } from './stack.ts'

/** How far first sequence numbers of one host are from each other. Random ones (section 3.4.1) could not be repeated. */
const STEP = 64_000

export class Tcp {
  readonly #echoPorts: readonly number[]
  readonly #connections = new Map<string, Connection>()
  #initial: number

  constructor(echoPorts: readonly number[], initial: number) {
    this.#echoPorts = echoPorts
    this.#initial = initial
  }

  connect(peer: Peer, port: number, peerPort: number): Connection {
    return this.#open(new Connection({ peer, port, peerPort, initial: this.#nextInitial() }))
  }

  /** False where it is nothing for this. */
  receive(arrived: Arrived): boolean {
    const segment = arrived.isUnicast ? parseSegment(arrived) : undefined
    if (segment === undefined) return false
    const { sourcePort, destinationPort, control } = segment
    const known = this.#connections.get(nameOf(arrived.from, destinationPort, sourcePort))
    const isOver = known === undefined || known.state === 'closed' || known.state === 'time-wait'
    const isSyn = (control & (CONTROL.syn | CONTROL.ack | CONTROL.rst)) === CONTROL.syn
    if (isOver && isSyn && this.#echoPorts.includes(destinationPort)) this.#accept(arrived.from, segment)
    else if (known !== undefined && known.state !== 'closed') known.receive(segment)
    else refuse(arrived.from, segment)
    return true
  }

  #accept(peer: Peer, syn: Segment): void {
    this.#open(
      new Connection({
        peer,
        port: syn.destinationPort,
        peerPort: syn.sourcePort,
        initial: this.#nextInitial(),
        syn,
        onData: (connection, payload) => void connection.send(payload),
        onEnd: (connection) => connection.close(),
      }),
    )
  }

  #open(connection: Connection): Connection {
    this.#connections.set(nameOf(connection.peer, connection.port, connection.peerPort), connection)
    connection.open()
    return connection
  }

  #nextInitial(): number {
    this.#initial = advance(this.#initial, STEP)
    return this.#initial
  }
}

const nameOf = ({ address }: Peer, port: number, peerPort: number): string =>
  `${port} ${address.length === 4 ? formatIPv4(address) : formatIPv6(address)} ${peerPort}`

/** Section 3.10.7.1: to what nobody listens, unless it is a reset itself. */
function refuse(peer: Peer, segment: Segment): void {
  const { sourcePort, destinationPort, control, sequence, acknowledgment } = segment
  if ((control & CONTROL.rst) !== 0) return
  const acknowledges = (control & CONTROL.ack) !== 0
  sendSegment(peer, {
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    sequence: acknowledges ? acknowledgment : 0,
    acknowledgment: acknowledges ? 0 : advance(sequence, spanOf(segment)),
    control: acknowledges ? CONTROL.rst : CONTROL.rst | CONTROL.ack,
    window: 0,
    segmentSize: undefined,
    payload: new Uint8Array(0),
  })
}
