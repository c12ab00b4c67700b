// The process that looks at a cube before it is added: see src/daemon/cubes/check.ts.
import { load } from './load.js'

await load('src/daemon/cubes/check-process.ts')
