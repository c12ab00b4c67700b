/** What this project uses of the WebAssembly JavaScript interface, which Node.js and browsers share. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, WasmImport>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> }
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => WasmMemory
}

/** Compiled code, shared by all of its instances. */
export interface WasmModule {
  readonly [Symbol.toStringTag]?: string
}

/** Memory that grows by pages of 64 KiB: whoever looks into `buffer` looks anew after it has grown. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** Functions, to call by their places. */
export interface WasmTable {
  readonly length: number
}

/** All imported functions have five parameters, used or not: an engine compiles a way out for each type and number of them. */
export type Imported = (a: number, b: number, c: number, d: number, e: number) => number

export type WasmImport = WasmMemory | WasmTable | number | bigint | Imported

export const newMemory = (initial: number, maximum: number): WasmMemory => new WebAssembly.Memory({ initial, maximum })

export const newModule = (bytes: Uint8Array): WasmModule => new WebAssembly.Module(bytes)

/** What a new instance exports. */
export const instantiate = (
  module: WasmModule,
  imports: Readonly<Record<string, WasmImport>>,
): Readonly<Record<string, unknown>> => new WebAssembly.Instance(module, { tessera: imports }).exports

/** The exported function `run` of a new instance. */
export function instantiateRun(module: WasmModule, imports: Readonly<Record<string, WasmImport>>): () => number {
  const { run } = instantiate(module, imports)
  if (typeof run !== 'function') throw new TypeError('a module without the function "run"')
  return run as () => number
}
