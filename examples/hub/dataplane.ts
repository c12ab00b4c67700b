import { dataplane } from 'tessera/cube'
import { ETHERTYPE, Ethernet } from 'tessera/lang'
import { hub } from './schema.ts'

export default dataplane(hub, (packet, { state, config, now, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (!config.ipv4 && (ethernet.type === ETHERTYPE.ipv4 || ethernet.type === ETHERTYPE.arp)) return drop('ipv4')

  const talker = state.talkers.get({ address: ethernet.source })
  if (talker) talker.seen = now()
  else state.talkers.set({ address: ethernet.source }, { seen: now() })
  return flood()
})
