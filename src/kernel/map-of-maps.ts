import { viewOf } from '../base/bytes.ts'
import { refusal } from '../base/diagnostic.ts'
import type { MapDescription } from '../isa/program.ts'
import { createMap, mapById } from './bpf.ts'
import { check, ERRNO } from './errno.ts'
import { close } from './ffi.ts'
import { type Entry, isMapLike, KernelMap, shapeOf } from './maps.ts'
import { kindOf, type Owner } from './objects.ts'
import { openPin } from './pins.ts'

/** Where in the outer map the inner one is. */
const PLACE = new Uint8Array(4)

/** A map with one map in it, whose entries it has (Linux 4.12). Programs hold the outer one, and follow when it is exchanged. */
export class MapOfMaps extends KernelMap {
  readonly #name: string
  readonly #inner: MapDescription
  readonly #valueSize: number

  constructor(name: string, description: MapDescription, fd: number, owner?: Owner) {
    super(name, description, fd, owner)
    const { inner } = description
    if (inner === undefined) throw refusal(`nothing says which maps can be in the map "${name}"`)
    this.#name = name
    this.#inner = inner
    this.#valueSize = inner.value.size
  }

  static override create(name: string, description: MapDescription, owner?: Owner): KernelMap {
    const { inner } = description
    if (inner === undefined) throw refusal(`nothing says which maps can be in the map "${name}"`)
    // It says which maps fit, and is the first one.
    using first = KernelMap.create(name, inner)
    const fd = createMap(name, shapeOf(description), undefined, 0, first.fd)
    const map = new MapOfMaps(name, description, check(fd, 'map', `create the map "${name}"`), owner)
    map.#exchange(first)
    return map
  }

  static override open(path: string, description: MapDescription, owner?: Owner): KernelMap | undefined {
    const fd = openPin(path)
    if (fd === undefined) return undefined
    if (kindOf(fd) !== 'map' || !isMapLike(fd, description)) {
      close(fd)
      return undefined
    }
    const map = new MapOfMaps(path, description, fd, owner)
    if (map.#holdsAlike()) return map
    map[Symbol.dispose]()
    return undefined
  }

  override get valueSize(): number {
    return this.#valueSize
  }

  override lookup(key: Uint8Array): Uint8Array | undefined {
    using inner = this.#current()
    return inner.lookup(key)
  }

  override keyAfter(key?: Uint8Array): Uint8Array | undefined {
    using inner = this.#current()
    return inner.keyAfter(key)
  }

  override update(key: Uint8Array, value: Uint8Array, only?: 'new' | 'present'): boolean {
    using inner = this.#current()
    return inner.update(key, value, only)
  }

  override delete(key: Uint8Array): boolean {
    using inner = this.#current()
    return inner.delete(key)
  }

  override entries(): readonly Entry[] {
    using inner = this.#current()
    return inner.entries()
  }

  override replaceAll(entries: Iterable<Entry>): void {
    using inner = KernelMap.create(this.#name, this.#inner)
    for (const [key, value] of entries) inner.update(key, value)
    this.#exchange(inner)
  }

  /** Once this has returned, no program looks into the map that was there before (kernel/bpf/syscall.c, maybe_wait_bpf_programs). */
  #exchange({ fd }: KernelMap): void {
    const handle = new Uint8Array(4)
    viewOf(handle).setUint32(0, fd, true)
    super.update(PLACE, handle)
  }

  #current(): KernelMap {
    const fd = check(this.#openInner(), 'map', `open what is in the map "${this.#name}"`)
    return new KernelMap(this.#name, this.#inner, fd)
  }

  /** Where we may not look, nothing that looks will be asked for either. */
  #holdsAlike(): boolean {
    const fd = this.#openInner()
    if (fd < 0) return fd === -ERRNO.EPERM
    const alike = isMapLike(fd, this.#inner)
    close(fd)
    return alike
  }

  /** To us, what is in the outer map is the inner one's number. */
  #openInner(): number {
    const found = super.lookup(PLACE)
    return found === undefined ? -ERRNO.ENOENT : mapById(viewOf(found).getUint32(0, true))
  }
}
