import { control } from 'tessera/cube'
import { crier } from './schema.ts'

export default control(crier, {
  onPunt: ({ packet }, { inject }) => inject(0, packet),
})
