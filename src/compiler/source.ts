/** A cube's `dataplane.ts`: read, and parsed. */
import { refusal } from '../base/diagnostic.ts'
import type { Cube } from './cube.ts'
import { loadModules, type Module, type Modules } from './modules.ts'
import type { FunctionSyntax } from './narrow/narrow.ts'

/** A data plane, read and parsed: what every instance of a cube is compiled from. */
export interface DataPlaneSource {
  readonly cube: Cube
  readonly modules: Modules
  readonly module: Module
  readonly syntax: FunctionSyntax
}

/** Reads a cube's `dataplane.ts`, with the modules of it that were imported `anew`. A Refusal where it cannot be parsed, or is no data plane. */
export async function readDataPlane(path: string, anew?: string): Promise<DataPlaneSource> {
  return dataPlaneOf(await loadModules(path, anew), path)
}

/** The data plane in one of some modules. A Refusal where it is none. */
export function dataPlaneOf(modules: Modules, path: string): DataPlaneSource {
  const module = modules.get(path)
  const live = module?.values.default as { cube?: Cube } | undefined
  const call = module?.default
  const syntax = call?.type === 'CallExpression' ? call.arguments[1] : undefined
  const isFunction = syntax?.type === 'ArrowFunctionExpression' || syntax?.type === 'FunctionExpression'
  if (module === undefined || live?.cube === undefined || !isFunction)
    throw refusal(
      `${module?.file ?? path} is no data plane`,
      'write export default dataplane(cube, (packet, { drop, … }) => { … })',
    )
  return { cube: live.cube, modules, module, syntax }
}
