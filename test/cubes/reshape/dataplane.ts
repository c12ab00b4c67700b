import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, type u32 } from '../../../src/lang/index.ts'

const size = z.int().min(0).default(0)

export const reshape = defineCube('reshape', {
  summary: 'changes the size and shape of packets, and floods what comes of it',
  ports: z.strictObject({}),
  config: z.strictObject({
    /** Tags to take away, before one is put on. */
    pop: size,
    push: z.boolean().default(false),
    id: size,
    priority: size,
    service: z.boolean().default(false),
    truncate: size,
    growTail: size,
    shrinkTail: size,
    growHead: size,
    shrinkHead: z.int().min(1).default(1),
    /** The sizes of the tail are numbers of the packet: only known when it is there. */
    variable: z.boolean().default(false),
    /** Again and again, in a loop. */
    tags: size,
  }),
  state: {},
  drops: {
    refused: 'the kernel refused',
    short: 'no whole Ethernet header',
    changed: 'the addresses are not those from before',
    tagged: 'the tag is not the one that was put on',
  },
})

export default dataplane(reshape, (packet, { config, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('short')
  const source = ethernet.source
  const none: u32 = config.variable && ethernet.type === 1 ? 1 : 0
  for (let i = 0; i < 2; i++) if (i < config.pop && !packet.popVlan()) return drop('refused')
  if (config.push) {
    const type = config.service ? ETHERTYPE.serviceVlan : ETHERTYPE.vlan
    if (!packet.pushVlan(config.id + none, config.priority, type)) return drop('refused')
    if (packet.vlan !== config.id) return drop('tagged')
  }
  for (let i = 0; i < 3; i++) if (i < config.tags && !packet.pushVlan(10 + i)) return drop('refused')
  if (config.truncate !== 0 && !packet.truncate(config.truncate + none)) return drop('refused')
  if (config.growTail !== 0 && !packet.growTail(config.growTail + none)) return drop('refused')
  if (config.shrinkTail !== 0 && !packet.shrinkTail(config.shrinkTail + none)) return drop('refused')
  if (config.shrinkHead > 1) return packet.shrinkHead(config.shrinkHead) ? flood() : drop('refused')
  const again = packet.read(Ethernet)
  if (!again) return drop('short')
  if (again.source !== source) return drop('changed')
  if (config.growHead === 14 && !packet.growHead(14)) return drop('refused')
  return flood()
})
