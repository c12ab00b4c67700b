import { dataplane } from 'tessera/cube'
import { inlet } from './schema.ts'

export default dataplane(inlet, (_, { direction, drop, next }) => (direction === 'ingress' ? next() : drop('outward')))
