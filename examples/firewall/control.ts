import { control } from 'tessera/cube'
import { firewall } from './schema.ts'

export default control(firewall, { views: {} })
