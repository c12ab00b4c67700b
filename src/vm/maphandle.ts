import type { LoadedProgram, MachineMap, VisitRecord } from '../backend/machine.ts'
import { toHex, viewOf } from '../base/bytes.ts'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import { UPDATE } from '../isa/opcodes.ts'
import { isArray, isDevmap, isKeyless, isProgramArray, isRing, type MapDescription } from '../isa/program.ts'
import { ERRNO } from './errno.ts'
import type { VirtualMap } from './map.ts'
import type { Pins } from './pins.ts'
import { loadedBehind } from './program.ts'
import type { Ring } from './ring.ts'

/** A handle on a map: what the control plane sees of it. */
export class MapHandle implements MachineMap {
  readonly #map: VirtualMap
  readonly #pins: Pins
  #open = true

  constructor(map: VirtualMap, pins: Pins) {
    this.#map = map.hold()
    this.#pins = pins
  }

  get description(): MapDescription {
    return this.#map.description
  }

  get valueSize(): number {
    return (this.#map.inner ?? this.#map).valueSize
  }

  /** The map behind this handle. */
  shared(): VirtualMap {
    if (!this.#open) throw refusal(`this handle of map "${this.#map.name}" was closed`)
    return this.#map
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    const map = this.#readable()
    this.#check('key', key, map.description.key.size)
    if (map.sequence !== undefined) return map.sequence.peek()?.slice()
    if (map.bloom !== undefined) throw refusal(`map "${map.name}" is a Bloom filter: it can only be asked for a value`)
    const slot = map.find(key, 0, 'control plane')
    return slot < 0 ? undefined : map.value(slot)
  }

  update(key: Uint8Array, value: Uint8Array, only?: 'new' | 'present'): boolean {
    const map = this.#readable()
    const { description, name } = map
    this.#check('key', key, description.key.size)
    this.#check('value', value, map.valueSize)
    const flags = only === undefined ? UPDATE.any : only === 'new' ? UPDATE.noExist : UPDATE.exist
    const result =
      map.sequence?.push(value.slice(), flags) ?? map.bloom?.add(value, flags) ?? map.update(key, 0, value, 0, flags)
    if (result === 0) return true
    if (result === -ERRNO.EEXIST || result === -ERRNO.ENOENT) return false
    if (result === -ERRNO.EINVAL)
      throw refusal(
        `a prefix of map "${name}" is longer than its keys`,
        `they have ${8 * (description.key.size - 4)} bits`,
      )
    if (
      result === -ERRNO.ENOSPC ||
      (result === -ERRNO.E2BIG && !isArray(description.kind) && !isDevmap(description.kind))
    )
      throw refusal(
        `map "${name}" is full: it has room for ${description.entries} entries`,
        'delete an entry, or declare more',
      )
    throw this.#noNumber(map)
  }

  delete(key: Uint8Array): boolean {
    const map = this.#lasting()
    this.#check('key', key, map.description.key.size)
    if (isKeyless(map.description.kind)) throw refusal(`values of map "${map.name}" have no keys`)
    const result = map.delete(key, 0)
    if (result === -ERRNO.EINVAL && map.description.kind === 'lpm_trie')
      throw refusal(`a prefix of map "${map.name}" is longer than its keys`)
    if (result === -ERRNO.E2BIG || (result === -ERRNO.EINVAL && isDevmap(map.description.kind)))
      throw this.#noNumber(map)
    if (result === -ERRNO.EINVAL)
      throw refusal(`map "${map.name}" is an array: its entries cannot be deleted`, 'update them')
    return result === 0
  }

  entries(): readonly (readonly [Uint8Array, Uint8Array])[] {
    const map = this.#readable()
    if (isKeyless(map.description.kind)) throw refusal(`the values of map "${map.name}" cannot be listed`)
    return [...map.entries()]
  }

  keyAfter(key?: Uint8Array): Uint8Array | undefined {
    const map = this.#readable()
    if (isKeyless(map.description.kind)) throw refusal(`values of map "${map.name}" have no keys`)
    const keys = [...map.entries()].map(([one]) => one)
    if (key === undefined) return keys[0]
    this.#check('key', key, map.description.key.size)
    return keys[keys.findIndex((one) => toHex(one) === toHex(key)) + 1]
  }

  pop(): Uint8Array | undefined {
    const map = this.shared()
    if (map.sequence === undefined) throw refusal(`map "${map.name}" is no queue`, 'delete an entry by its key')
    return map.sequence.pop()
  }

  replaceAll(entries: Iterable<readonly [Uint8Array, Uint8Array]>): void {
    const map = this.shared()
    const inner = map.emptyInner()
    if (inner === undefined) throw refusal(`map "${map.name}" is no map of maps`, 'update its entries')
    using handle = new MapHandle(inner, this.#pins)
    for (const [key, value] of entries) handle.update(key, value)
    map.exchange(inner)
  }

  install(index: number, program: LoadedProgram): void {
    const { programs, name } = this.shared()
    if (programs === undefined) throw refusal(`map "${name}" is no array of programs`, 'update its entries')
    const loaded = loadedBehind(program)
    const result = programs.install(index, loaded)
    if (result === -ERRNO.E2BIG) throw this.#noNumber(this.shared())
    if (result < 0)
      throw refusal(
        `program "${loaded.program.name}" is for ${loaded.program.hook}, and those in map "${name}" are not`,
      )
  }

  pinProgram(index: number, path: string): boolean {
    const found = this.shared().programs?.get(index)
    if (found !== undefined) this.#pins.add(path, found)
    return found !== undefined
  }

  has(value: Uint8Array): boolean {
    const { bloom, name } = this.shared()
    if (bloom === undefined) throw refusal(`map "${name}" is no Bloom filter`, 'look up an entry')
    this.#check('value', value, this.valueSize)
    return bloom.has(value)
  }

  consume(): readonly Uint8Array[] {
    return this.#ring().consume()
  }

  drain(most: number, visit: VisitRecord): number {
    const records = this.#ring().consume(most)
    for (const record of records) visit(record, viewOf(record), 0, record.length)
    return records.length
  }

  watch(ready: () => void): Disposable {
    return this.#ring().watch(ready)
  }

  pin(path: string): void {
    this.#pins.add(path, this.shared())
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    this.#map.release()
  }

  #noNumber({ name, description }: VirtualMap): Refusal {
    return refusal(`map "${name}" has no entry of this number: it has ${description.entries}, counted from 0`)
  }

  #ring(): Ring {
    const { ring, name } = this.shared()
    if (ring === undefined) throw refusal(`map "${name}" is no ring`, 'read its entries')
    return ring
  }

  /** The map that has the entries, if it has anything but records. */
  #lasting(): VirtualMap {
    const outer = this.shared()
    const map = outer.inner ?? outer
    if (map.ring !== undefined) throw refusal(`map "${map.name}" is a ring: its records can only be consumed`)
    return map
  }

  /** The same, where entries have values. */
  #readable(): VirtualMap {
    const map = this.#lasting()
    if (map.programs !== undefined)
      throw refusal(`map "${map.name}" holds programs: they can only be installed and deleted`)
    return map
  }

  #check(what: 'key' | 'value', bytes: Uint8Array, size: number): void {
    if (bytes.length !== size)
      throw refusal(`map "${this.#map.name}" takes a ${what} of ${size} bytes, and was given ${bytes.length}`)
  }
}

/** What the kernel refuses to create (array_map_alloc_check, htab_map_alloc_check). */
export function checkDescription(name: string, { kind, key, value, entries, lock, inner }: MapDescription): void {
  const wrong = (what: string) => refusal(`map "${name}" cannot be created: ${what}`)
  if (!Number.isInteger(entries) || entries < 1 || entries > 0xffffffff) throw wrong(`${entries} entries; at least 1`)
  if (value.size < 1) throw wrong('its values have no bytes')
  if (lock !== undefined && kind !== 'hash' && kind !== 'array') throw wrong(`a ${kind} has no locks`)
  if (lock !== undefined && (lock % 4 !== 0 || lock + 4 > value.size)) throw wrong(`no lock can be at byte ${lock}`)
  if (isArray(kind)) {
    if (key.size !== 4) throw wrong(`the key of an array has 4 bytes, and this one has ${key.size}`)
  } else if (kind === 'array_of_maps') {
    if (inner === undefined || inner.inner !== undefined) throw wrong('nothing says which maps can be in it')
    if (key.size !== 4 || value.size !== 4) throw wrong('its keys and values have 4 bytes')
    checkDescription(name, inner)
  } else if (isDevmap(kind) || isProgramArray(kind)) {
    if (key.size !== 4 || value.size !== 4)
      throw wrong(`a ${kind} has keys and values of 4 bytes, and these have ${key.size} and ${value.size}`)
  } else if (isKeyless(kind)) {
    if (key.size !== 0) throw wrong(`values of a ${kind} have no keys, and these have ${key.size} bytes`)
    if (!isRing(kind)) return
    if (entries < 4096 || !isPowerOfTwo(entries))
      throw wrong(`a ring has 4096 bytes, or a higher power of two, and this one has ${entries}`)
  } else if (kind === 'lpm_trie') {
    if (key.size < 5 || key.size > 260)
      throw wrong(`a key is a length and 1 to 256 bytes, 5 to 260 together, and this one has ${key.size}`)
  } else if (key.size < 1 || key.size > 512) throw wrong(`a key has 1 to 512 bytes, and this one has ${key.size}`)
}

const isPowerOfTwo = (number: number): boolean => Number.isInteger(Math.log2(number))

/** Whether two descriptions are of the same map, as far as a machine can tell. */
export const sameDescription = (a: MapDescription, b: MapDescription): boolean =>
  a.kind === b.kind &&
  (a.inner === undefined || b.inner === undefined ? a.inner === b.inner : sameDescription(a.inner, b.inner)) &&
  a.lock === b.lock &&
  a.key.size === b.key.size &&
  a.value.size === b.value.size &&
  a.entries === b.entries
