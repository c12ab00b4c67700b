import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { Ethernet, mac, packetRing, u16, u32 } from '../../../src/lang/index.ts'

export const punter = defineCube('punter', {
  summary: 'gives all packets to the control plane, or as much of them as it wants',
  ports: z.strictObject({}),
  config: z.strictObject({ brief: z.boolean().default(false) }),
  state: {
    heads: packetRing({ value: { source: mac, port: u16, length: u32 }, bytes: 4096, packet: 20 }),
    wholes: packetRing({ value: { port: u16 }, bytes: 65_536, packet: 1514 }),
  },
  drops: { truncated: 'too short', punted: 'the control plane has it', untold: 'nobody reads' },
})

export default dataplane(punter, (packet, { state, config, port, drop }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (config.brief) {
    const told = state.heads.emit({ source: ethernet.source, port: port.id, length: packet.length })
    return told ? drop('punted') : drop('untold')
  }
  return state.wholes.emit({ port: port.id }) ? drop('punted') : drop('untold')
})
