import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  ETHERTYPE,
  Ethernet,
  IPv4,
  ipv4,
  lruHash,
  PROTOCOL,
  seconds,
  Tcp,
  u8,
  u16,
  u64,
} from '../../../src/lang/index.ts'

export const STATE = { synSent: 1, synReceived: 2, established: 3, finWait: 4, closing: 5, closed: 6 } as const

const cube = defineCube('conntrack', {
  summary: 'TCP connections, begun from inside',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    connections: lruHash({
      key: { source: ipv4, destination: ipv4, sourcePort: u16, destinationPort: u16 },
      value: { state: u8, seen: u64 },
      entries: 65_536,
    }),
  },
  drops: { truncated: 'short', invalid: 'of no connection', closed: 'of one that is over' },
})

export default dataplane(cube, (packet, { state, now, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.protocol !== PROTOCOL.tcp || ip.headerLength !== 5 || ip.fragmentOffset !== 0) return pass()
  const tcp = packet.read(Tcp, 34)
  if (!tcp) return drop('truncated')

  const sent = state.connections.get({
    source: ip.source,
    destination: ip.destination,
    sourcePort: tcp.sourcePort,
    destinationPort: tcp.destinationPort,
  })
  if (sent) {
    if (sent.state === STATE.closed) return drop('closed')
    if (tcp.rst === 1) sent.state = STATE.closed
    else if (tcp.fin === 1) sent.state = sent.state === STATE.finWait ? STATE.closing : STATE.finWait
    else if (tcp.ack === 1) {
      if (sent.state === STATE.synReceived) sent.state = STATE.established
      else if (sent.state === STATE.closing) sent.state = STATE.closed
    }
    if (now() - sent.seen > seconds(1)) sent.seen = now()
    return forward(1)
  }

  const received = state.connections.get({
    source: ip.destination,
    destination: ip.source,
    sourcePort: tcp.destinationPort,
    destinationPort: tcp.sourcePort,
  })
  if (received) {
    if (received.state === STATE.closed) return drop('closed')
    if (tcp.rst === 1) received.state = STATE.closed
    else if (tcp.syn === 1 && tcp.ack === 1) {
      if (received.state === STATE.synSent) received.state = STATE.synReceived
    } else if (tcp.fin === 1) received.state = received.state === STATE.finWait ? STATE.closing : STATE.finWait
    else if (tcp.ack === 1 && received.state === STATE.closing) received.state = STATE.closed
    if (now() - received.seen > seconds(1)) received.seen = now()
    return forward(2)
  }

  if (tcp.syn === 0 || tcp.ack === 1) return drop('invalid')
  state.connections.set(
    {
      source: ip.source,
      destination: ip.destination,
      sourcePort: tcp.sourcePort,
      destinationPort: tcp.destinationPort,
    },
    { state: STATE.synSent, seen: now() },
  )
  return forward(1)
})
