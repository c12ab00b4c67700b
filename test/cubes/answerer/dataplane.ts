import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, header, IPv4, IPv6, PROTOCOL, Udp, u16, type u32 } from '../../../src/lang/index.ts'

export const Answer = header('Answer', { first: u16, second: u16, third: u16 })

export const answerer = defineCube('answerer', {
  summary: 'puts an answer behind what UDP carries',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {},
  drops: { truncated: 'too short', kernel: 'it cannot grow' },
})

export default dataplane(answerer, (packet, { drop, flood }) => {
  const end = packet.length
  if (!packet.growTail(Answer.size)) return drop('kernel')
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  let at: u32 = Ethernet.size + IPv6.size
  if (ethernet.type === ETHERTYPE.ipv4) {
    const ip = packet.read(IPv4, Ethernet.size)
    if (!ip || ip.protocol !== PROTOCOL.udp) return drop('truncated')
    ip.totalLength += Answer.size
    at = Ethernet.size + ip.headerLength * 4
  } else {
    const ip = packet.read(IPv6, Ethernet.size)
    if (!ip || ip.nextHeader !== PROTOCOL.udp) return drop('truncated')
    ip.payloadLength += Answer.size
  }
  const udp = packet.read(Udp, at)
  if (!udp) return drop('truncated')
  const answer = packet.read(Answer, end, udp)
  if (!answer) return drop('truncated')
  udp.length += Answer.size
  answer.first = 0x1234
  answer.third = 0xfedc
  return flood()
})
