import { readFileSync } from 'node:fs'
import type { LoadedProgram, MachineMap, VisitRecord } from '../backend/machine.ts'
import { alignUp, toHex, viewOf } from '../base/bytes.ts'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import { lazy } from '../base/lazy.ts'
import { mapBtf } from '../isa/btf.ts'
import { F_LOCK, MAP_FLAGS, MAP_TYPE, UPDATE } from '../isa/opcodes.ts'
import {
  isBloom,
  isDevmap,
  isKeyless,
  isPerCpu,
  isRing,
  isSequence,
  type MapDescription,
  type MapKind,
} from '../isa/program.ts'
import { type BtfReference, createMap, loadBtf, lookupBatch, MapEntries, type MapShape, mapInfo } from './bpf.ts'
import { check, ERRNO, failure } from './errno.ts'
import { close } from './ffi.ts'
import { Handle, kindOf, type Owner } from './objects.ts'
import { openPin, pin } from './pins.ts'
import { probe } from './probes.ts'
import { RingReader } from './ring.ts'

export type Entry = readonly [key: Uint8Array, value: Uint8Array]

export const shapeOf = ({ kind, key, value, entries }: MapDescription): MapShape => ({
  type: MAP_TYPE[kind],
  keySize: key.size,
  // To the kernel, records are bytes.
  valueSize: isRing(kind) ? 0 : value.size,
  entries,
})

export class KernelMap implements MachineMap {
  readonly description: MapDescription
  readonly #name: string
  readonly #handle: Handle
  /** Most maps are opened for programs, and nobody reads them. */
  readonly #lazyEntries: () => MapEntries
  /** For everything that reads or writes a value. */
  readonly #flags: number
  #reader: RingReader | undefined

  constructor(name: string, description: MapDescription, fd: number, owner?: Owner) {
    this.description = description
    this.#name = name
    this.#flags = description.lock === undefined ? 0 : F_LOCK
    this.#handle = new Handle(fd, owner)
    this.#lazyEntries = lazy(() => new MapEntries(fd, description.key.size, bytesPerValue(description)))
  }

  get #entries(): MapEntries {
    return this.#lazyEntries()
  }

  static create(name: string, description: MapDescription, owner?: Owner): KernelMap {
    // The kernel takes no BTF for maps without keys.
    const btf = isKeyless(description.kind) ? undefined : loadMapBtf(description)
    try {
      const flags = MAP_FLAGS[description.kind]
      let fd = createMap(name, shapeOf(description), btf, flags)
      // But for locks, BTF only names things: a kernel that does not take it here still makes the map.
      if (fd < 0 && btf !== undefined && description.lock === undefined)
        fd = createMap(name, shapeOf(description), undefined, flags)
      if (fd === -ERRNO.EINVAL) refuseUnknown(name, description.kind)
      return new KernelMap(name, description, check(fd, 'map', `create the map "${name}"`), owner)
    } finally {
      if (btf !== undefined) close(btf.fd)
    }
  }

  /** Reads with a wrong size would overrun memory, so a map of any other shape is not this map. */
  static open(path: string, description: MapDescription, owner?: Owner): KernelMap | undefined {
    const fd = openPin(path)
    if (fd === undefined) return undefined
    if (kindOf(fd) === 'map' && isMapLike(fd, description)) return new KernelMap(path, description, fd, owner)
    close(fd)
    return undefined
  }

  get fd(): number {
    return this.#handle.fd
  }

  get valueSize(): number {
    return this.#entries.value.length
  }

  lookup(key: Uint8Array): Uint8Array | undefined {
    this.#setKey(key)
    if (isBloom(this.description.kind))
      throw refusal(`the map "${this.#name}" is a Bloom filter: it can only be asked for a value`)
    const result = this.#entries.lookup(this.#flags)
    if (result === -ERRNO.ENOENT) return undefined
    this.#check(result, 'read', key)
    return this.#entries.value.slice()
  }

  update(key: Uint8Array, value: Uint8Array, only?: 'new' | 'present'): boolean {
    this.#setKey(key)
    this.#setValue(value)
    const condition = only === undefined ? UPDATE.any : only === 'new' ? UPDATE.noExist : UPDATE.exist
    const result = this.#entries.update(condition | this.#flags)
    if (only !== undefined && (result === -ERRNO.EEXIST || result === -ERRNO.ENOENT)) return false
    if (result === -ERRNO.EINVAL && isDevmap(this.description.kind))
      throw refusal(
        `the interface with the number ${viewOf(value).getUint32(0, true)} went away meanwhile`,
        'create it, and run the command again',
      )
    this.#check(result, 'write', key)
    return true
  }

  delete(key: Uint8Array): boolean {
    this.#setKey(key)
    if (isKeyless(this.description.kind)) throw refusal(`values of the map "${this.#name}" have no keys`)
    const result = this.#entries.delete()
    if (result === -ERRNO.ENOENT) return false
    this.#check(result, 'delete', key)
    return true
  }

  pop(): Uint8Array | undefined {
    this.#assertOpen()
    if (!isSequence(this.description.kind))
      throw refusal(`the map "${this.#name}" is no queue`, 'delete an entry by its key')
    const result = this.#entries.take()
    if (result === -ERRNO.ENOENT) return undefined
    this.#check(result, 'take', new Uint8Array())
    return this.#entries.value.slice()
  }

  replaceAll(_entries: Iterable<Entry>): void {
    throw refusal(`the map "${this.#name}" is no map of maps`, 'update its entries')
  }

  has(value: Uint8Array): boolean {
    this.#assertOpen()
    if (!isBloom(this.description.kind)) throw refusal(`the map "${this.#name}" is no Bloom filter`, 'look up an entry')
    this.#setValue(value)
    const result = this.#entries.lookup(this.#flags)
    if (result === -ERRNO.ENOENT) return false
    this.#check(result, 'ask', value)
    return true
  }

  install(_index: number, _program: LoadedProgram): void {
    throw this.#isNoArray()
  }

  pinProgram(_index: number, _path: string): boolean {
    throw this.#isNoArray()
  }

  consume(): readonly Uint8Array[] {
    const records: Uint8Array[] = []
    this.drain(Number.POSITIVE_INFINITY, (bytes, _, at, length) => void records.push(bytes.slice(at, at + length)))
    return records
  }

  drain(most: number, visit: VisitRecord): number {
    return this.#ring().drain(most, visit)
  }

  watch(ready: () => void): Disposable {
    return this.#ring().watch(ready)
  }

  entries(): readonly Entry[] {
    this.#assertLasting()
    if (isKeyless(this.description.kind)) throw refusal(`the values of the map "${this.#name}" cannot be listed`)
    return this.#inBatches() ?? this.#oneByOne()
  }

  keyAfter(key?: Uint8Array): Uint8Array | undefined {
    this.#assertLasting()
    if (isKeyless(this.description.kind)) throw refusal(`values of the map "${this.#name}" have no keys`)
    if (key !== undefined) this.#setKey(key)
    const result = key === undefined ? this.#entries.firstKey() : this.#entries.nextKey()
    if (result === -ERRNO.ENOENT) return undefined
    this.#check(result, 'find what follows', key ?? new Uint8Array())
    return this.#entries.key.slice()
  }

  pin(path: string): void {
    this.#assertOpen()
    pin(path, this.fd)
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]()
  }

  #isNoArray(): Refusal {
    return refusal(`the map "${this.#name}" is no array of programs`, 'update its entries')
  }

  #ring(): RingReader {
    this.#assertOpen()
    const { kind, entries } = this.description
    if (!isRing(kind)) throw refusal(`the map "${this.#name}" is no ring`, 'read its entries')
    this.#reader ??= new RingReader(this.#name, this.fd, entries)
    this.#handle.user = this.#reader
    return this.#reader
  }

  /** Of a ring there is nothing but records. */
  #assertLasting(): void {
    this.#assertOpen()
    if (isRing(this.description.kind))
      throw refusal(`the map "${this.#name}" is a ring: its records can only be consumed`)
  }

  #setKey(key: Uint8Array): void {
    this.#assertLasting()
    const expected = this.#entries.key.length
    if (key.length !== expected) {
      throw refusal(`a key of the map "${this.#name}" has ${expected} bytes, not ${key.length}`)
    }
    this.#entries.key.set(key)
  }

  #setValue(value: Uint8Array): void {
    const expected = this.#entries.value.length
    if (value.length !== expected) {
      throw refusal(`a value of the map "${this.#name}" has ${expected} bytes, not ${value.length}`)
    }
    this.#entries.value.set(value)
  }

  /** The number of a closed handle may be somebody else's by now. */
  #assertOpen(): void {
    if (this.fd < 0) throw refusal(`the map "${this.#name}" was disposed before`)
  }

  #check(result: number, verb: string, key: Uint8Array): void {
    if (result < 0) throw failure('entry', `${verb} the entry ${toHex(key)} of the map "${this.#name}"`, result)
  }

  /** Undefined where this kernel has no batches for this kind of map. */
  #inBatches(): Entry[] | undefined {
    const keySize = this.#entries.key.length
    const valueSize = this.#entries.value.length
    const found: Entry[] = []
    let count = Math.min(this.description.entries, 4096)
    let from: Uint8Array | undefined
    for (;;) {
      const keys = new Uint8Array(count * keySize)
      const values = new Uint8Array(count * valueSize)
      // Arrays keep a key in the cursor, hash tables the number of a bucket.
      const next = new Uint8Array(Math.max(keySize, 4))
      const batch = lookupBatch(this.fd, from, next, keys, values, count, this.#flags)
      // A hash bucket is taken whole: this one has more entries than the buffers hold.
      if (batch.result === -ERRNO.ENOSPC) {
        count *= 2
        continue
      }
      if (batch.result < 0 && batch.result !== -ERRNO.ENOENT) return undefined
      for (let i = 0; i < batch.count; i++) {
        found.push([keys.slice(i * keySize, (i + 1) * keySize), values.slice(i * valueSize, (i + 1) * valueSize)])
      }
      if (batch.result === -ERRNO.ENOENT) return found
      from = next
    }
  }

  /** When the key we stand on is deleted meanwhile, a hash table starts over: keyed, so that no entry comes twice. */
  #oneByOne(): Entry[] {
    const found = new Map<string, Entry>()
    let result = this.#entries.firstKey()
    for (let steps = 0; result === 0 && steps < this.description.entries * 2; steps++) {
      if (this.#entries.lookup(this.#flags) === 0) {
        const key = this.#entries.key.slice()
        found.set(toHex(key), [key, this.#entries.value.slice()])
      }
      result = this.#entries.nextKey()
    }
    if (result < 0 && result !== -ERRNO.ENOENT) throw failure('entry', `list the map "${this.#name}"`, result)
    return [...found.values()]
  }
}

function refuseUnknown(name: string, kind: MapKind): void {
  const answer = probe(`${kind} maps`)
  if (answer.kind === 'not supported')
    throw refusal(`the map "${name}" cannot be created: ${kind} maps came with Linux ${answer.since}`)
}

/** Whether the map behind a handle is one that is described so. */
export function isMapLike(fd: number, description: MapDescription): boolean {
  const found = mapInfo(fd)
  return typeof found === 'object' && isSameShape(found, shapeOf(description))
}

const isSameShape = (a: MapShape, b: MapShape): boolean =>
  a.type === b.type && a.keySize === b.keySize && a.valueSize === b.valueSize && a.entries === b.entries

export const isAlike = (a: MapDescription, b: MapDescription): boolean =>
  isSameShape(shapeOf(a), shapeOf(b)) &&
  (a.inner === undefined || b.inner === undefined ? a.inner === b.inner : isAlike(a.inner, b.inner))

function loadMapBtf(description: MapDescription): BtfReference | undefined {
  const { btf, key, value } = mapBtf(description)
  const fd = loadBtf(btf)
  return fd < 0 ? undefined : { fd, key, value }
}

/** What a lookup returns: one value, or one for each CPU that may ever be there, each padded to 8 bytes. */
function bytesPerValue({ kind, value }: MapDescription): number {
  return isPerCpu(kind) ? alignUp(value.size, 8) * possibleCpus() : value.size
}

let cpus: number | undefined

/** From a list of ranges such as `0-3,8`: the kernel sizes per-CPU values by the highest number. */
export function possibleCpus(): number {
  cpus ??= Number(/(\d+)\s*$/.exec(readFileSync('/sys/devices/system/cpu/possible', 'utf8'))?.[1] ?? 0) + 1
  return cpus
}
