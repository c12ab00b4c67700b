import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, ETHERTYPE, Ethernet, hash, header, IPv4, ipv4, u16, u32, u64 } from '../../../src/lang/index.ts'

/** 1,024 rules, 64 a word; 256 classes in each dimension. */
const WORDS = 16

const words = () => array({ value: { word: u64 }, entries: 256 * WORDS })

const cube = defineCube('bit-vector', {
  summary: 'the first of 1,024 rules that matches (Lakshman and Stiliadis, SIGCOMM 1998)',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    sources: hash({ key: { address: ipv4 }, value: { class: u32 }, entries: 4096 }),
    destinations: hash({ key: { address: ipv4 }, value: { class: u32 }, entries: 4096 }),
    ports: array({ value: { class: u32 }, entries: 65_536 }),
    sourceWords: words(),
    destinationWords: words(),
    portWords: words(),
    actions: array({ value: { port: u16 }, entries: 1024 }),
  },
  drops: { truncated: 'short', no_rule: 'no rule' },
})

export const Ports = header('Ports', { source: u16, destination: u16 })

/** The number of zeros below the lowest one. */
function trailingZeros(word: u64): u32 {
  let rest: u64 = word
  let count: u32 = 0
  if ((rest & 0xffffffff) === 0) {
    count = 32
    rest = rest >>> 32
  }
  if ((rest & 0xffff) === 0) {
    count = count + 16
    rest = rest >>> 16
  }
  if ((rest & 0xff) === 0) {
    count = count + 8
    rest = rest >>> 8
  }
  if ((rest & 0xf) === 0) {
    count = count + 4
    rest = rest >>> 4
  }
  if ((rest & 3) === 0) {
    count = count + 2
    rest = rest >>> 2
  }
  if ((rest & 1) === 0) count = count + 1
  return count
}

export default dataplane(cube, (packet, { state, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.headerLength !== 5 || ip.fragmentOffset !== 0) return pass()
  const ports = packet.read(Ports, 34)
  if (!ports) return drop('truncated')

  const source = state.sources.get({ address: ip.source })
  if (!source) return drop('no_rule')
  const destination = state.destinations.get({ address: ip.destination })
  if (!destination) return drop('no_rule')
  const service = state.ports.get({ index: ports.destination })
  if (!service) return drop('no_rule')
  const sourceRow: u32 = source.class * WORDS
  const destinationRow: u32 = destination.class * WORDS
  const serviceRow: u32 = service.class * WORDS
  for (let i: u32 = 0; i < WORDS; i++) {
    const one = state.sourceWords.get({ index: sourceRow + i })
    if (!one) return drop('no_rule')
    const two = state.destinationWords.get({ index: destinationRow + i })
    if (!two) return drop('no_rule')
    const three = state.portWords.get({ index: serviceRow + i })
    if (!three) return drop('no_rule')
    const word: u64 = one.word & two.word & three.word
    if (word !== 0) {
      const action = state.actions.get({ index: i * 64 + trailingZeros(word) })
      if (!action) return drop('no_rule')
      return forward(action.port)
    }
  }
  return drop('no_rule')
})
