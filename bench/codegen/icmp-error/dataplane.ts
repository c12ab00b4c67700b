import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  checksumFold,
  ETHERTYPE,
  Ethernet,
  header,
  Icmp,
  IPv4,
  ipv4,
  list,
  PROTOCOL,
  u16,
  type u32,
} from '../../../src/lang/index.ts'

const LOCAL = '192.0.2.1'
const TIME_EXCEEDED = 11
/** RFC 792: the Internet header and 64 bits of what follows it. */
const QUOTED = 28
const ROOM = IPv4.size + Icmp.size

const cube = defineCube('icmp-error', {
  summary: 'time exceeded',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {},
  drops: { truncated: 'short', room: 'no room for the headers' },
})

export const Quoted = header('Quoted', { words: list(u16, 14) })

export default dataplane(cube, (packet, { drop, pass, forward }) => {
  const before = packet.read(Ethernet)
  const expired = packet.read(IPv4, 14)
  if (!before || !expired || packet.length < 14 + QUOTED) return drop('truncated')
  if (before.type !== ETHERTYPE.ipv4 || expired.headerLength !== 5) return pass()
  if (expired.timeToLive > 1 || expired.protocol === PROTOCOL.icmp || expired.fragmentOffset !== 0) return pass()
  if (!packet.truncate(14 + QUOTED) || !packet.encapsulate(IPv4, Icmp)) return drop('room')
  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, 14)
  const icmp = packet.read(Icmp, 34)
  const original = packet.read(IPv4, 42)
  const quoted = packet.read(Quoted, 42)
  if (!ethernet || !ip || !icmp || !original || !quoted) return drop('room')
  const sender = ethernet.source
  ethernet.source = ethernet.destination
  ethernet.destination = sender
  let sum: u32 = 0
  for (const word of quoted.words) sum += word
  icmp.checksum = checksumFold(sum) ^ 0xffff
  icmp.type = TIME_EXCEEDED
  ip.version = 4
  ip.headerLength = 5
  ip.totalLength = ROOM + QUOTED
  ip.timeToLive = 64
  ip.protocol = PROTOCOL.icmp
  ip.source = ipv4(LOCAL)
  ip.destination = original.source
  return forward(1)
})
