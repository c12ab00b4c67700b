// The thread of a control plane: see src/daemon/control-planes.ts.
import { load } from './load.js'

await load('src/daemon/control-thread.ts')
