import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Arp, ETHERTYPE, Ethernet, hash, ipv4, isMulticast, isZero, mac, portId } from '../../../src/lang/index.ts'

const cube = defineCube('arp-inspection', {
  summary: 'nobody answers for an address that is not his',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { bindings: hash({ key: { address: ipv4 }, value: { owner: mac, port: portId }, entries: 4096 }) },
  drops: { truncated: 'short', malformed: 'not ARP for IPv4', spoofed: 'not his' },
})

export default dataplane(cube, (packet, { state, port, drop, pass, flood, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.arp) return pass()
  const arp = packet.read(Arp, 14)
  if (!arp) return drop('truncated')
  if (arp.hardwareType !== 1 || arp.protocolType !== ETHERTYPE.ipv4) return drop('malformed')
  if (arp.hardwareLength !== 6 || arp.protocolLength !== 4) return drop('malformed')
  if (arp.senderMac !== ethernet.source) return drop('spoofed')
  if (isMulticast(arp.senderMac) || isZero(arp.senderMac)) return drop('spoofed')
  const sender = state.bindings.get({ address: arp.senderAddress })
  if (!sender || sender.owner !== arp.senderMac || sender.port !== port.id) return drop('spoofed')
  if (arp.operation !== 1 && arp.operation !== 2) return drop('malformed')
  const target = state.bindings.get({ address: arp.targetAddress })
  if (!target) return flood()
  return forward(target.port)
})
