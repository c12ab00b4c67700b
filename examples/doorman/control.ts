import { control, from } from 'tessera/cube'
import { hash, mac, u16 } from 'tessera/lang'
import { doorman } from './schema.ts'

const SECOND = 1_000_000_000n

/** Before guests had to leave. */
const timeless = hash({ key: { address: mac }, value: { port: u16 }, entries: 1024 })

export default control(doorman, {
  views: {
    guests: ({ state, portName, now }) =>
      state.guests.entries().map(([{ address }, { port, since }]) => ({
        address,
        port: portName(port) ?? 'gone',
        seconds: (now() - since) / SECOND,
      })),
  },
  start({ state, config, now, every, log }) {
    every(SECOND, () => {
      for (const [{ address }, { since }] of state.guests.entries()) {
        if (now() - since < BigInt(config.stay) * SECOND) continue
        state.guests.delete({ address })
        log(`${address} has stayed for long enough`)
      }
    })
  },
  onPunt({ port, packet, metadata: { source, destination } }, { state, ports, now, send }) {
    state.guests.set({ address: source }, { port, since: now() })
    const guest = state.guests.get({ address: destination })
    const others = Object.values(ports).filter((one) => one !== port)
    for (const to of guest === undefined ? others : [guest.port]) send(to, packet)
  },
  migrate: {
    guests: [from(timeless, ({ key, value: { port } }) => ({ key, value: { port, since: 0n } }))],
  },
})
