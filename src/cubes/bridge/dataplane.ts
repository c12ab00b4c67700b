import { dataplane } from '../../cube/index.ts'
import { Ethernet, isMulticast, isReserved, isZero, seconds } from '../../lang/index.ts'
import { bridge } from './schema.ts'

export default dataplane(bridge, (packet, { state, config, port, now, drop, flood, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (isMulticast(ethernet.source) || isZero(ethernet.source)) return drop('invalid_source')

  if (port.learning) {
    const known = state.stations.get({ address: ethernet.source })
    if (!known || known.port !== port.id) {
      state.stations.set({ address: ethernet.source }, { port: port.id, seen: now() })
    } else if (now() - known.seen > seconds(1)) {
      // Not at every packet: CPUs that carry one station's traffic would fight for its cache line.
      known.seen = now()
    }
  }

  if (isMulticast(ethernet.destination)) return isReserved(ethernet.destination) ? drop('link_local') : flood()
  const station = state.stations.get({ address: ethernet.destination })
  if (!station || now() - station.seen > seconds(config.agingTime)) return flood()
  if (station.port === port.id) return drop('same_port')
  return forward(station.port)
})
