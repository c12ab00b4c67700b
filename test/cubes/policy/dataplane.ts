import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { array, bool, Ethernet, hash, IPv4, ipv4, lpmTrie, mac, swappable, u32, u64 } from '../../../src/lang/index.ts'

export const policy = defineCube('policy', {
  summary: 'lets through what its rules allow, which change all at once',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    senders: swappable(hash({ key: { address: mac }, value: { allowed: bool, packets: u64 }, entries: 4 })),
    networks: swappable(lpmTrie({ key: { source: ipv4 }, value: { allowed: bool }, entries: 4 })),
    limits: swappable(array({ value: { length: u32 }, entries: 2 })),
  },
  drops: {
    truncated: 'too short',
    sender: 'not from there',
    network: 'not from that network',
    long: 'too long',
    fine: 'allowed',
  },
})

export default dataplane(policy, (packet, { state, drop }) => {
  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, Ethernet.size)
  if (!ethernet || !ip) return drop('truncated')
  const sender = state.senders.get({ address: ethernet.source })
  if (!sender) return drop('sender')
  if (!sender.allowed) return drop('sender')
  sender.packets += 1
  const network = state.networks.get({ source: ip.source })
  if (!network) return drop('network')
  if (!network.allowed) return drop('network')
  const limit = state.limits.get({ index: 1 })
  if (limit && packet.length > limit.length) return drop('long')
  return drop('fine')
})
