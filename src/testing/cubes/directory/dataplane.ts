import { dataplane } from 'tessera/cube'
import { directory } from './schema.ts'

export default dataplane(directory, (_, { flood }) => flood())
