import { z } from 'zod'
import { dataplane, defineCube } from '../../../../src/cube/index.ts'
import { Ethernet, isMulticast, lruHash, mac, portId, seconds, u64 } from '../../../../src/lang/index.ts'

const bridge = defineCube('bridge', {
  summary: 'learns who is where',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { stations: lruHash({ key: { address: mac }, value: { port: portId, seen: u64 }, entries: 65_536 }) },
  drops: { truncated: 'short', invalid_source: 'a group sends nothing', same_port: 'from there' },
})

export default dataplane(bridge, (packet, { state, port, now, drop, flood, forward }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (isMulticast(ethernet.source)) return drop('invalid_source')
  const known = state.stations.get({ address: ethernet.source })
  if (!known || known.port !== port.id) {
    state.stations.set({ address: ethernet.source }, { port: port.id, seen: now() })
  } else if (now() - known.seen > seconds(1)) {
    known.seen = now()
  }
  if (isMulticast(ethernet.destination)) return flood()
  const station = state.stations.get({ address: ethernet.destination })
  if (!station || now() - station.seen > seconds(300)) return flood()
  if (station.port === port.id) return drop('same_port')
  return forward(station.port)
})
