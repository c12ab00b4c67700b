import { join } from 'node:path'
import { bridge } from '../src/cubes/bridge/schema.ts'
import type { Program } from '../src/isa/program.ts'
import { bundledCompiler } from './compiler.ts'

const PORTS = [1, 2, 3]

/** Compiles a bridge of three ports: the program of one of them, of which those of the others are copies. Its text is parsed anew. */
export async function compileBridge(): Promise<() => Program> {
  const { compile, dataPlaneOf, parseModule, readDataPlane } = await bundledCompiler()
  const { module, modules } = await readDataPlane(join(import.meta.dirname, '../src/cubes/bridge/dataplane.ts'))
  const exits = PORTS.map((port) => ({ port, ifindex: 100 + port }))
  const wiring = { port: 1, exits, capacity: 8 }
  const settings = { name: 'bridge', config: bridge.config.parse({}), port: bridge.ports.parse({}), wiring }
  return () => {
    const parsed = parseModule(module.path, module.text, module.values)
    return compile(dataPlaneOf(new Map([...modules, [parsed.path, parsed]]), parsed.path), settings)
  }
}
