import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, ETHERTYPE, Ethernet, header, IPv4, IPv6, PROTOCOL, Tcp, u8, u16, u32 } from '../../../src/lang/index.ts'

/** Where to read, and how often, each time one byte further. */
export const Order = header('Order', { offset: u32, times: u8 })
export const Octet = header('Octet', { value: u8 })
export const Word = header('Word', { value: u32 })
/** RFC 8200 section 4: the length is in 8 octets, not including the first. */
export const Extension = header('Extension', { nextHeader: u8, length: u8 })

export const ORDERS = 0x88b5
const LEAST = Ethernet.size + IPv6.size

export const offsets = defineCube('offsets', {
  summary: 'reads where packets say',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { seen: array({ value: { word: u32, sum: u32, count: u32, port: u16 }, entries: 1 }) },
  drops: { truncated: 'too short', other: 'of no interest', absent: 'nothing there', seen: 'there it is' },
})

export default dataplane(offsets, (packet, { state, drop }) => {
  const ethernet = packet.read(Ethernet)
  const seen = state.seen.get({ index: 0 })
  if (!ethernet || !seen) return drop('truncated')
  if (ethernet.type === ETHERTYPE.ipv4) {
    const ip = packet.read(IPv4, Ethernet.size)
    if (!ip) return drop('truncated')
    const tcp = packet.read(Tcp, Ethernet.size + ip.headerLength * 4)
    if (!tcp) return drop('absent')
    const payload = packet.read(Octet, Ethernet.size + ip.headerLength * 4 + tcp.dataOffset * 4)
    seen.port = tcp.destinationPort
    if (payload) seen.word = payload.value
    return drop('seen')
  }
  if (ethernet.type === ETHERTYPE.ipv6) {
    const ip = packet.read(IPv6, Ethernet.size)
    if (!ip) return drop('truncated')
    let at: u32 = LEAST
    let next = ip.nextHeader
    for (let i = 0; i < 8; i++) {
      if (next !== 0 && next !== 43 && next !== 60) break
      const extension = packet.read(Extension, at)
      if (!extension) return drop('absent')
      next = extension.nextHeader
      at += (extension.length + 1) * 8
      seen.count = i + 1
    }
    if (next !== PROTOCOL.tcp) return drop('other')
    const tcp = packet.read(Tcp, at)
    if (!tcp) return drop('absent')
    seen.port = tcp.destinationPort
    return drop('seen')
  }
  if (ethernet.type !== ORDERS) return drop('other')
  const order = packet.read(Order, Ethernet.size)
  if (!order) return drop('truncated')
  const word = packet.read(Word, order.offset)
  if (word) seen.word = word.value
  let sum: u32 = 0
  for (let i = 0; i < 64; i++) {
    if (i === order.times) break
    const octet = packet.read(Octet, order.offset + i)
    if (!octet) break
    sum += octet.value
    seen.count = i + 1
  }
  seen.sum = sum
  return word ? drop('seen') : drop('absent')
})
