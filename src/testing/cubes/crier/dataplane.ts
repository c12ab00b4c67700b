import { dataplane } from 'tessera/cube'
import { crier } from './schema.ts'

export default dataplane(crier, (_, { port, punt, flood }) => (port.id === 0 ? flood() : punt('heard')))
