import { control } from '../../cube/index.ts'
import { bridge } from './schema.ts'

export default control(bridge, {
  views: {
    /** The stations that the data plane would still forward to. */
    stations: ({ state, config, portName, now }) =>
      state.stations
        .entries()
        .map(([{ address }, { port, seen }]) => ({
          address,
          port: portName(port) ?? `(removed: ${port})`,
          age: Number((now() - seen) / 1_000_000_000n),
        }))
        .filter(({ age }) => age <= config.agingTime)
        .sort((a, b) => a.address.localeCompare(b.address))
        .map(({ age, ...station }) => ({ ...station, seen: `${age} s ago` })),
  },
})
