import { type Imported, instantiate, newModule, type WasmModule, type WasmTable } from './engine.ts'
import { KIND, OP, SECTION, TYPE, type ValueType } from './opcodes.ts'
import { ModuleWriter, type Writer } from './writer.ts'

const { i32 } = TYPE

/** The type of every function in a table: parameters and results. */
export const ASK: readonly [readonly ValueType[], readonly ValueType[]] = [[i32, i32, i32, i32, i32], [i32]]

/** By how many functions they import. */
const modules = new Map<number, WasmModule>()

/**
 * A table of functions of JavaScript, for modules that call them. An engine compiles a way out for every module that imports
 * functions, which takes longer than all the rest of a short one: here modules of their own import them, for all tables of a size.
 */
export function tableOf(functions: readonly Imported[]): WasmTable {
  const { length } = functions
  const module = modules.get(length) ?? newModule(importing(length))
  modules.set(length, module)
  const { table } = instantiate(module, Object.fromEntries(functions.entries()))
  return table as WasmTable
}

function importing(count: number): Uint8Array {
  const numbers = Array.from({ length: count }, (_, number) => number)
  const imports = numbers.map((number) => (writer: Writer) => {
    writer.name('tessera').name(`${number}`).byte(KIND.function).unsigned(0)
  })
  const elements = (writer: Writer) => {
    writer.unsigned(0).byte(OP.i32Const).signed(0).byte(OP.end).unsigned(count)
    for (const number of numbers) writer.unsigned(number)
  }
  return new ModuleWriter()
    .types([ASK])
    .section(SECTION.import, imports)
    .section(SECTION.table, [(writer) => writer.byte(TYPE.function).byte(0).unsigned(count)])
    .section(SECTION.export, [(writer) => writer.name('table').byte(KIND.table).unsigned(0)])
    .section(SECTION.element, [elements])
    .finish()
}
