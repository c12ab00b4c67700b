import { dataplane } from 'tessera/cube'
import { EGRESS, INGRESS, tap } from './schema.ts'

export default dataplane(tap, (_, { state, direction, next }) => {
  const seen = state.seen.get({ index: direction === 'ingress' ? INGRESS : EGRESS })
  if (seen) seen.packets += 1
  return next()
})
