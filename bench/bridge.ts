/** Compiling a bridge, as the engine does for a graph. */
import { join } from 'node:path'
import { dataPlaneOf, readDataPlane } from '../src/compiler/compile.ts'
import { parseModule } from '../src/compiler/modules.ts'
import { bridge } from '../src/cubes/bridge/schema.ts'
import { assembleOnce } from '../src/engine/programs.ts'
import type { Program } from '../src/isa/program.ts'

const PORTS = [1, 2, 3]

/** Compiles the programs of a bridge's three ports. Its text is parsed anew, so nothing of it has been compiled before. */
export async function compileBridge(): Promise<() => readonly Program[]> {
  const { module, modules } = await readDataPlane(join(import.meta.dirname, '../src/cubes/bridge/dataplane.ts'))
  const own = { instance: 'bridge', config: bridge.config.parse({}), capacity: 8 }
  const settings = bridge.ports.parse({})
  const ways = PORTS.map((port) => ({ port, to: 'interface', ifindex: 100 + port }) as const)
  return () => {
    const parsed = parseModule(module.path, module.text, module.values)
    const source = dataPlaneOf(new Map([...modules, [parsed.path, parsed]]), parsed.path)
    return PORTS.map((id) =>
      assembleOnce({ name: 'bridge', nodes: [{ ...own, source, port: { id, config: settings }, ways }] }),
    )
  }
}
