import { join } from 'node:path'

const LOAD = join(import.meta.dirname, '../bin/load.js')

/**
 * The compiler that every process of Tessera has, out of the bundle. As tsx reads it, it takes a tenth longer: there, each function
 * is given its name whenever it is made.
 */
export async function bundledCompiler() {
  const { load } = (await import(LOAD)) as { load(entry: string): Promise<unknown> }
  const { compile, dataPlaneOf, readDataPlane } = (await load(
    'src/compiler/compile.ts',
  )) as typeof import('../src/compiler/compile.ts')
  const { parseModule } = (await load('src/compiler/modules.ts')) as typeof import('../src/compiler/modules.ts')
  return { compile, dataPlaneOf, parseModule, readDataPlane }
}
