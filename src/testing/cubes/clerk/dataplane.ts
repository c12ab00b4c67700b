import { dataplane } from 'tessera/cube'
import { Ethernet } from 'tessera/lang'
import { clerk } from './schema.ts'

export default dataplane(clerk, (packet, { state, port, drop, punt, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  const { source, destination } = ethernet
  if (state.stations.get({ address: source })?.port !== port.id) return punt('stranger', { source, destination })
  const station = state.stations.get({ address: destination })
  return station ? forward(station.port) : punt('unknown', { destination })
})
