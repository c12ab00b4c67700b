import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import {
  bits,
  ETHERTYPE,
  flowOf,
  hash,
  header,
  ipv4,
  type Packet,
  PROTOCOL,
  Udp,
  u8,
  u16,
  u32,
} from '../../../src/lang/index.ts'

/** RFC 1035, 4.1.1 */
export const Message = header('Message', {
  id: u16,
  response: bits(1),
  opcode: bits(4),
  flags: bits(7),
  code: bits(4),
  questions: u16,
  answers: u16,
  authorities: u16,
  additionals: u16,
})
export const Byte = header('Byte', { value: u8 })
export const Question = header('Question', { type: u16, class: u16 })
export const Record = header('Record', { type: u16, class: u16, life: u32, length: u16 })
export const Address = header('Address', { address: ipv4 })

export const names = defineCube('names', {
  summary: 'what is asked of DNS, and what is answered',
  ports: z.strictObject({}),
  config: z.strictObject({ mostLabels: z.number().int().default(10) }),
  state: {
    asked: hash({ key: { name: u32 }, value: { labels: u32, type: u16 }, entries: 64 }),
    answered: hash({ key: { address: ipv4 }, value: { name: u32, life: u32 }, entries: 64 }),
  },
  drops: { other: 'no DNS', truncated: 'short', malformed: 'no name', seen: 'all others' },
})

/** Past the name that begins at `start`, in any case of its letters. */
function nameAt(packet: Packet, start: u32) {
  let at = start
  let hash: u32 = 2166136261
  let labels: u32 = 0
  let left: u32 = 0
  let ok = false
  for (let i = 0; i < 128; i++) {
    const byte = packet.read(Byte, at)
    if (!byte) break
    at++
    if (left === 0) {
      if (byte.value === 0) {
        ok = true
        break
      }
      if (byte.value >= 0xc0) {
        at++
        ok = true
        break
      }
      if (byte.value > 63) break
      left = byte.value
      labels++
      hash = (hash ^ 46) * 16777619
      continue
    }
    left--
    const lower = byte.value >= 65 && byte.value <= 90 ? byte.value + 32 : byte.value
    hash = (hash ^ lower) * 16777619
  }
  return { end: at, hash, labels, ok }
}

export default dataplane(names, (packet, { state, config, drop }) => {
  const { type, protocol, transport, sourcePort, destinationPort } = flowOf(packet)
  if (type !== ETHERTYPE.ipv4 || protocol !== PROTOCOL.udp) return drop('other')
  if (sourcePort !== 53 && destinationPort !== 53) return drop('other')
  const message = packet.read(Message, transport + Udp.size)
  if (!message) return drop('truncated')
  if (message.opcode !== 0 || message.questions !== 1) return drop('malformed')
  const answers = message.answers
  const { end, hash, labels, ok } = nameAt(packet, transport + Udp.size + Message.size)
  if (!ok || labels > config.mostLabels) return drop('malformed')
  const question = packet.read(Question, end)
  if (!question) return drop('truncated')
  state.asked.set({ name: hash }, { labels, type: question.type })
  let at = end + Question.size
  records: for (let i = 0; i < 12 && i < answers; i++) {
    for (let j = 0; j < 16; j++) {
      const length = packet.read(Byte, at)
      if (!length) break records
      if (length.value === 0) {
        at += 1
        break
      }
      if (length.value >= 0xc0) {
        at += 2
        break
      }
      at += length.value + 1
    }
    const record = packet.read(Record, at)
    if (!record) break
    at += Record.size
    if (record.type === 1) {
      const found = packet.read(Address, at)
      if (!found || record.length !== 4) return drop('malformed')
      state.answered.set({ address: found.address }, { name: hash, life: record.life })
    }
    at += record.length
  }
  return drop('seen')
})
