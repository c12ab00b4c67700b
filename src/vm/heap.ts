import { alignUp } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import { AT } from './layout.ts'
import { newMemory, type WasmMemory } from './wasm/engine.ts'

const PAGE = 65_536
/** 4 GiB: what addresses of 32 bits reach. */
const MOST_PAGES = 65_536

/**
 * The one linear memory of a virtual machine, and who has which part of it. Blocks are zero when they are given. Sizes are few
 * (powers of two, then pages), so that what was let go of fits what comes next.
 */
export class Heap {
  readonly memory: WasmMemory = newMemory(AT.heap / PAGE + 1, MOST_PAGES)
  /** Views, which are new ones after the memory has grown: nobody may keep them across an allocation. */
  bytes = new Uint8Array(0)
  view = new DataView(new ArrayBuffer(0))
  words = new Int32Array(0)
  readonly #free = new Map<number, number[]>()
  #end: number = AT.heap

  constructor() {
    this.#look()
  }

  allocate(size: number): number {
    const room = roomFor(size)
    const used = this.#free.get(room)?.pop()
    if (used !== undefined) {
      this.bytes.fill(0, used, used + room)
      return used
    }
    const start = this.#end
    this.#reach(start + room)
    this.#end += room
    return start
  }

  release(start: number, size: number): void {
    const room = roomFor(size)
    const list = this.#free.get(room)
    if (list === undefined) this.#free.set(room, [start])
    else list.push(start)
  }

  #reach(end: number): void {
    const pages = Math.ceil(end / PAGE)
    const before = this.bytes.length / PAGE
    if (pages <= before) return
    if (pages > MOST_PAGES) throw refusal('the maps of this machine need more than the 4 GiB that it has')
    // Some more, so that many small blocks do not take as many steps; untouched pages cost nothing.
    const after = Math.min(MOST_PAGES, Math.max(pages, Math.ceil(before * 1.25)))
    try {
      this.memory.grow(after - before)
    } catch {
      throw refusal(`this process gets no ${after / 16} MiB of memory for the maps of a machine`)
    }
    this.#look()
  }

  #look(): void {
    const { buffer } = this.memory
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
    this.words = new Int32Array(buffer)
  }
}

function roomFor(size: number): number {
  return size > PAGE ? alignUp(size, PAGE) : 2 ** Math.ceil(Math.log2(Math.max(size, 16)))
}
