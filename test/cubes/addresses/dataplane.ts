import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  cell,
  contains,
  Ethernet,
  hash,
  header,
  ipv4,
  ipv6,
  mac,
  masked,
  prefix,
  u8,
  u32,
  u64,
} from '../../../src/lang/index.ts'

/** What follows the Ethernet header here. */
export const Question = header('Question', { four: ipv4, six: ipv6, hardware: mac, length: u8, number: u32 })

export const addresses = defineCube('addresses', {
  summary: 'computes with addresses',
  ports: z.strictObject({}),
  config: z.strictObject({
    gateway: z.string().default('10.0.0.1'),
    subnets: z.array(z.string()).default(['10.0.0.0/8', 'fd00::/20']),
  }),
  state: {
    answers: cell({
      value: {
        four: ipv4,
        six: ipv6,
        hardware: mac,
        interface: ipv6,
        group: mac,
        next: ipv4,
        number: u32,
        wide: u64,
        back: mac,
        known: u8,
        inside: u8,
        sixInside: u8,
      },
    }),
    routes: hash({ key: { net: ipv6, length: u8 }, value: { hits: u64 }, entries: 8 }),
  },
  drops: { truncated: 'too short', answered: 'all others' },
})

const NETWORK = prefix('172.16.0.0/12')
const ROUTERS = [mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02')] as const

/** RFC 4291, appendix A. */
function interfaceOf(address: mac): ipv6 {
  return ipv6([
    0xfe,
    0x80,
    0,
    0,
    0,
    0,
    0,
    0,
    address[0] ^ 2,
    address[1],
    address[2],
    0xff,
    0xfe,
    address[3],
    address[4],
    address[5],
  ])
}

export default dataplane(addresses, (packet, { state, config, drop }) => {
  const ethernet = packet.read(Ethernet)
  const question = packet.read(Question, Ethernet.size)
  if (!ethernet || !question) return drop('truncated')
  const { length } = question
  const answers = state.answers.get()
  if (length <= 32) answers.four = masked(question.four, length)
  if (length <= 48) answers.hardware = masked(question.hardware, length)
  if (length <= 128) {
    answers.six = masked(question.six, length)
    state.routes.set({ net: masked(question.six, length), length }, { hits: 1 })
  }
  answers.interface = interfaceOf(question.hardware)
  answers.group = mac([0x01, 0x00, 0x5e, question.four[1] & 0x7f, question.four[2], question.four[3]])
  answers.next = ipv4(u32(question.four) + 1)
  answers.number = u32(question.four)
  answers.wide = u64(question.hardware)
  answers.back = mac(u64(question.hardware) + question.number)
  let known = 0
  for (const router of ROUTERS) if (ethernet.source === router) known += 1
  if (question.four === ipv4(config.gateway)) known += 4
  if (question.six === ipv6('fd00::1')) known += 8
  answers.known = known
  let inside = contains(NETWORK, question.four) ? 1 : 0
  for (const subnet of config.subnets) {
    const net = prefix(subnet)
    if (net.length === 8 && contains(net, question.four)) inside += 2
  }
  answers.inside = inside
  answers.sixInside = contains(prefix('fd00:0:f000::/36'), question.six) ? 1 : 0
  return drop('answered')
})
