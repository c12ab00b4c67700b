import { z } from 'zod'
import { dataplane, defineCube } from '../../../src/cube/index.ts'
import { ETHERTYPE, Ethernet, Vlan } from '../../../src/lang/index.ts'

const tagFilter = defineCube('tag-filter', {
  summary: 'floods frames of one VLAN',
  ports: z.strictObject({}),
  config: z.strictObject({ vlan: z.int().min(0).max(4094) }),
  state: {},
  drops: { truncated: 'too short', other: 'of another VLAN', inner: 'with a second tag' },
})

export default dataplane(tagFilter, (packet, { config, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (packet.vlan !== config.vlan) return drop('other')
  if (ethernet.type !== ETHERTYPE.vlan) return flood()
  const inner = packet.read(Vlan, Ethernet.size)
  if (!inner) return drop('truncated')
  return inner.id === 7 ? drop('inner') : flood()
})
