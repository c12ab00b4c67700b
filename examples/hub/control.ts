import { control } from 'tessera/cube'
import { hub } from './schema.ts'

export default control(hub, {
  views: {
    talkers: ({ state, now }) =>
      state.talkers
        .entries()
        .map(([{ address }, { seen }]) => ({ address, silent: `${(now() - seen) / 1_000_000_000n} s` })),
  },
})
