// The process that runs the tests of a cube before it is added: see src/daemon/cubes/check.ts. It reads TypeScript as it is, so that
// there is one of each module, and what tests import as vitest is in src/daemon/cubes/test-kit.ts.
import { register } from 'node:module'
import { register as readTypeScript } from 'tsx/esm/api'

readTypeScript()
register('./test-hooks.js', import.meta.url, {
  data: { vitest: new URL('../src/daemon/cubes/test-kit.ts', import.meta.url).href },
})
await import('../src/daemon/cubes/test-process.ts')
