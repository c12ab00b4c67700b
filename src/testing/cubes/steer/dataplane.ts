import { dataplane } from 'tessera/cube'
import { steer } from './schema.ts'

export default dataplane(steer, (_, { config, forward }) => forward(config.to))
