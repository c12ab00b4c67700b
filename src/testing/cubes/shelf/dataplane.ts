import { dataplane } from 'tessera/cube'
import { shelf } from './schema.ts'

export default dataplane(shelf, (_packet, { drop }) => drop('kept'))
