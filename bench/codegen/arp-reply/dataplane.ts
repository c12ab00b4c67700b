import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Arp, ETHERTYPE, Ethernet, hash, ipv4, mac } from '../../../src/lang/index.ts'

const cube = defineCube('arp-reply', {
  summary: 'answers for hosts that are known',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { hosts: hash({ key: { address: ipv4 }, value: { mac }, entries: 1024 }) },
  drops: { truncated: 'short' },
})

export default dataplane(cube, (packet, { state, drop, pass, flood, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.arp) return pass()
  const arp = packet.read(Arp, 14)
  if (!arp) return drop('truncated')
  if (arp.hardwareType !== 1 || arp.protocolType !== ETHERTYPE.ipv4 || arp.operation !== 1) return pass()
  const target = arp.targetAddress
  const host = state.hosts.get({ address: target })
  if (!host) return flood()
  arp.operation = 2
  arp.targetMac = arp.senderMac
  arp.targetAddress = arp.senderAddress
  arp.senderMac = host.mac
  arp.senderAddress = target
  ethernet.destination = ethernet.source
  ethernet.source = host.mac
  return forward(1)
})
