import { dataplane } from 'tessera/cube'
import { Ethernet } from 'tessera/lang'
import { patch } from './schema.ts'

export default dataplane(patch, (packet, { port, drop, forward }) => {
  if (!packet.read(Ethernet)) return drop('truncated')
  return forward(port.id === 0 ? 1 : 0)
})
