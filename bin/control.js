// The thread of a control plane: see src/daemon/control-planes.ts.
import { register } from 'tsx/esm/api'

register()
await import('../src/daemon/control-thread.ts')
