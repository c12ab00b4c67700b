import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, ETHERTYPE, Ethernet, header, IPv4, PROTOCOL, u16, u32 } from '../../../src/lang/index.ts'

/** A prime, as Maglev wants it (Eisenbud et al., NSDI 2016). */
const SLOTS = 65_537

const cube = defineCube('maglev', {
  summary: 'the backend of a connection',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { slots: array({ value: { backend: u16 }, entries: SLOTS }) },
  drops: { truncated: 'short', empty: 'no backend' },
})

export const Flow = header('Flow', { source: u32, destination: u32, sourcePort: u16, destinationPort: u16 })

/** One round of MurmurHash3. */
function mix(hash: u32, word: u32): u32 {
  const scrambled: u32 = word * 0xcc9e2d51
  const turned: u32 = (scrambled << 15) | (scrambled >>> 17)
  const joined: u32 = hash ^ (turned * 0x1b873593)
  return ((joined << 13) | (joined >>> 19)) * 5 + 0xe6546b64
}

export default dataplane(cube, (packet, { state, drop, pass, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return pass()
  const ip = packet.read(IPv4, 14)
  if (!ip) return drop('truncated')
  if (ip.headerLength !== 5 || ip.fragmentOffset !== 0) return pass()
  if (ip.protocol !== PROTOCOL.tcp && ip.protocol !== PROTOCOL.udp) return pass()
  const flow = packet.read(Flow, 26)
  if (!flow) return drop('truncated')

  const ports: u32 = (flow.sourcePort << 16) | flow.destinationPort
  let hash: u32 = mix(mix(mix(mix(0, flow.source), flow.destination), ports), ip.protocol)
  hash = (hash ^ (hash >>> 16)) * 0x85ebca6b
  hash = (hash ^ (hash >>> 13)) * 0xc2b2ae35
  hash = hash ^ (hash >>> 16)
  const slot = state.slots.get({ index: hash % SLOTS })
  if (!slot || slot.backend === 0) return drop('empty')
  return forward(slot.backend)
})
