import { dataplane } from 'tessera/cube'
import { Ethernet } from 'tessera/lang'
import { Stamps, stamp } from './schema.ts'

export default dataplane(stamp, (packet, { config, drop, flood }) => {
  const stamps = packet.read(Stamps, Ethernet.size)
  if (!stamps) return drop('truncated')
  stamps.marks[config.place] = config.number
  return flood()
})
