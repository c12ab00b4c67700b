import { dataplane } from 'tessera/cube'
import { Ethernet } from 'tessera/lang'
import { doorman } from './schema.ts'

export default dataplane(doorman, (packet, { state, port, drop, punt, forward, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  const { source, destination } = ethernet
  if (state.guests.get({ address: source })?.port !== port.id) return punt('stranger', { source, destination })
  const guest = state.guests.get({ address: destination })
  return guest ? forward(guest.port) : flood()
})
