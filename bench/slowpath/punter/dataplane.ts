import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, IPv4, ipv4, lruHash, portId, u64 } from '../../../src/lang/index.ts'

export const punter = defineCube('punter', {
  summary: 'forwards flows that the control plane has installed, and asks it about all others',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: {
    flows: lruHash({ key: { source: ipv4 }, value: { port: portId, packets: u64 }, entries: 1 << 16 }),
  },
  drops: { truncated: 'too short', unwanted: 'no IPv4' },
  punts: { unknown: { summary: 'of a flow that is not known', metadata: { source: ipv4 } } },
})

export default dataplane(punter, (packet, { state, drop, punt, forward }) => {
  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, Ethernet.size)
  if (!ethernet || !ip) return drop('truncated')
  if (ethernet.type !== ETHERTYPE.ipv4) return drop('unwanted')
  const flow = state.flows.get({ source: ip.source })
  if (!flow) return punt('unknown', { source: ip.source })
  flow.packets += 1
  return forward(flow.port)
})
