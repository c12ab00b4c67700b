import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, header, IPv4, mac, PROTOCOL, Tcp, Udp, u8, u16, u32 } from '../../../src/lang/index.ts'

/** What is written to, wherever it lies in the payload. */
export const Part = header('Part', { octet: u8, word: u16, long: u32, address: mac })

export const redactor = defineCube('redactor', {
  summary: 'writes to the payload of TCP and UDP',
  ports: z.strictObject({}),
  config: z.strictObject({ distance: z.int(), rounds: z.int().default(1) }),
  state: {},
  drops: { truncated: 'too short' },
})

export default dataplane(redactor, (packet, { config, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, Ethernet.size)
  if (!ethernet || !ip || ethernet.type !== ETHERTYPE.ipv4) return drop('truncated')
  const at = Ethernet.size + ip.headerLength * 4
  if (ip.protocol === PROTOCOL.udp) {
    const udp = packet.read(Udp, at)
    if (!udp) return drop('truncated')
    for (let i = 0; i < config.rounds; i++) {
      const part = packet.read(Part, at + Udp.size + config.distance + i * Part.size, udp)
      if (!part) return drop('truncated')
      part.octet = 0xfe
      part.word += 0x1234
      part.long = 0
      part.address = mac('02:00:00:00:00:05')
    }
    return flood()
  }
  const tcp = packet.read(Tcp, at)
  if (!tcp) return drop('truncated')
  const part = packet.read(Part, at + tcp.dataOffset * 4 + config.distance, tcp)
  if (!part) return drop('truncated')
  tcp.urgentPointer = 7
  part.octet = 0xfe
  part.word += 0x1234
  part.long = 0
  part.address = mac('02:00:00:00:00:05')
  return flood()
})
