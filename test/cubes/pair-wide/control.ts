import { control, from } from '../../../src/cube/index.ts'
import { pair as before } from '../pair-narrow/schema.ts'
import { pair } from './schema.ts'

export default control(pair, {
  views: { senders: ({ state }) => state.senders.entries().map(([{ address }, { port }]) => ({ address, port })) },
  migrate: { senders: [from(before.state.senders, (entry) => entry)] },
})
