import { control } from 'tessera/cube'
import { clerk, HANGS, THROWS } from './schema.ts'

export default control(clerk, {
  views: {
    stations: ({ state, portName }) =>
      state.stations.entries().map(([{ address }, { port }]) => ({ address, port: portName(port) ?? port })),
  },
  onPunt(punt, { state, ports, send }) {
    if (punt.reason === 'stranger') {
      const { source } = punt.metadata
      if (source === THROWS) throw new Error('this address was expected')
      if (source === HANGS) for (;;);
      state.stations.set({ address: source }, { port: punt.port })
    }
    const known = state.stations.get({ address: punt.metadata.destination })
    if (known !== undefined) return send(known.port, punt.packet)
    for (const port of Object.values(ports)) if (port !== punt.port) send(port, punt.packet)
  },
})
