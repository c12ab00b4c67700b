import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, header, IPv4, list, PROTOCOL, Tcp, u8 } from '../../../src/lang/index.ts'

const RETURN = 13
const NEWLINE = 10

const cube = defineCube('payload-scan', {
  summary: 'where a request line ends: the first \\r\\n within 64 octets',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {},
  drops: { truncated: 'short' },
})

export const Window = header('Window', { octets: list(u8, 64) })

export default dataplane(cube, (packet, { drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.protocol !== PROTOCOL.tcp || ip.fragmentOffset !== 0) return pass()
  const start = 14 + ip.headerLength * 4
  const tcp = packet.read(Tcp, start)
  if (!tcp) return drop('truncated')
  const window = packet.read(Window, start + tcp.dataOffset * 4)
  if (!window) return pass()
  let before: u8 = 0
  for (let i = 0; i < 64; i++) {
    const octet = window.octets.at(i)
    if (before === RETURN && octet === NEWLINE) return forward(i)
    before = octet
  }
  return pass()
})
