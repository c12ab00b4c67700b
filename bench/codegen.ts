import { join } from 'node:path'
import type { ControlTable, Fields } from '../src/lang/index.ts'
import { bundledCompiler } from './compiler.ts'

/** An algorithm, once in the language (`dataplane.ts`) and once in C (`peer.c`), and what both are run with. */
export interface CodegenCase {
  /** Fills the tables before each round. `now` is the kernel's clock in nanoseconds. */
  prepare(tables: Readonly<Record<string, ControlTable<Fields, Fields>>>, now: bigint): void
  readonly packets: readonly Uint8Array[]
  /** How often a packet may be run before it must be sent anew, because the algorithm changes it. A million by default. */
  readonly repeat?: number
}

export const FOLDER = join(import.meta.dirname, 'codegen')

/** The data plane of a case. `compileOurs` parses its text anew, as clang does; its verdicts are return values. */
export async function compileCase(name: string) {
  const { compile, dataPlaneOf, parseModule, readDataPlane } = await bundledCompiler()
  const { cube, module, modules } = await readDataPlane(join(FOLDER, name, 'dataplane.ts'))
  const wiring = { port: 0, exits: [], capacity: 1 }
  const compileOurs = () => {
    const parsed = parseModule(module.path, module.text, module.values)
    const source = dataPlaneOf(new Map([...modules, [parsed.path, parsed]]), parsed.path)
    return compile(source, { name: 'ours', config: {}, port: {}, wiring, verdicts: 'returned' })
  }
  return { cube, compileOurs }
}
