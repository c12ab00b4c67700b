/** What runs in the process that looks at a cube before anybody uses it: its modules are imported, and its data plane compiled. */
import { join } from 'node:path'
import { Refusal } from '../../base/diagnostic.ts'
import { compile, readDataPlane } from '../../compiler/compile.ts'
import { builtinCubes } from '../host.ts'
import { type Found, foundLine } from './found.ts'

/** `import`: no more than that. */
const [, , folder = '.', how] = process.argv

async function look(): Promise<Found> {
  const { cube } = await builtinCubes().find(folder, '/')
  if (how === 'import') return { name: cube.name }
  const source = await readDataPlane(join(folder, 'dataplane.ts'))
  const config = cube.config.safeParse({})
  const port = cube.ports.safeParse({})
  // What has to be said of it has no defaults to compile it with: its tests do.
  if (config.success && port.success)
    compile(source, {
      name: 'check',
      hook: 'tc',
      config: config.data,
      port: port.data,
      wiring: { port: 0, exits: [0, 1].map((one) => ({ port: one, ifindex: one + 1 })), capacity: 64 },
    })
  return { name: cube.name }
}

const found = await look().catch((error: unknown): Found => {
  const diagnostics = error instanceof Refusal ? error.diagnostics : [{ message: String(error) }]
  return { diagnostics }
})
process.stdout.write(foundLine(found), () => process.exit(0))
