import { dataplane } from 'tessera/cube'
import { u64 } from 'tessera/lang'
import { grinder } from './schema.ts'

/** Numbers of a generator by G. Marsaglia, eight in a round. */
export default dataplane(grinder, (packet, { state, port, forward }) => {
  let x: u64 = u64(packet.length)
  for (let i = 0; i < 4096; i++) {
    for (const shift of [13, 11, 9, 7, 13, 11, 9, 7]) {
      x ^= x << u64(shift)
      x ^= x >> 7
      x ^= x << 17
    }
  }
  state.results.get().last = x
  return forward(1 - port.id)
})
