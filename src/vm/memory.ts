import { alignUp } from '../base/bytes.ts'
import { LIMIT } from '../isa/opcodes.ts'
import { Trap } from './fault.ts'
import { Heap } from './heap.ts'
import { AT, DESCRIPTOR, ROOM } from './layout.ts'
import type { VirtualMap } from './map.ts'

/**
 * An address is 64 bits: the lower 32 are a byte offset into a region, which the 20 above name. No region is 4 GiB long, so
 * arithmetic that leaves a region never arrives in another one, and 0 (the null pointer) is in none. In the uppermost 12 is which
 * of a map's values it points to, as far as there is room, so that neither does it arrive in another value.
 */
export const REGION = {
  context: 1,
  /** The packet moves to another of these regions whenever a helper may have moved it: older pointers are stale. */
  packet: 16,
  packets: 64,
  /** One a frame, the caller's first. */
  stack: 128,
  /** What a program has reserved in a ring. */
  record: 200,
  /** From here on two a map: the map itself, which no program reads or writes, and its values. */
  maps: 256,
} as const

/** Bits of an address's upper half. */
export const REGION_BITS = 20
const SLOT_BITS = 12
/** What there is room for of a slot's number. */
export const SLOT_MASK = 2 ** SLOT_BITS - 1
export const REGION_MASK = 2 ** REGION_BITS - 1

/** The upper half of the address of a map's value. */
export const valueIn = (region: number, slot: number): number => ((slot & SLOT_MASK) << REGION_BITS) | region

/** `plain` is bytes that a program may do everything with. */
type Kind = 'context' | 'packet' | 'stack' | 'record' | 'map' | 'values' | 'plain'

interface RegionOptions {
  readonly map?: VirtualMap
  readonly writable?: Uint8Array
  readonly written?: number
}

/** A run of bytes in linear memory that a program may reach. It may move, and get longer. */
export class Region {
  readonly kind: Kind
  readonly name: string
  readonly map: VirtualMap | undefined
  /** Where it starts in linear memory. */
  start: number
  length: number
  /** For a stack: where in linear memory there is a bit for each of its bytes that was written. */
  readonly written: number | undefined
  /** For a context: 1 for each byte a program may write. */
  readonly writable: Uint8Array | undefined
  /** For the values of a map: how far they are apart, and how long each is. */
  readonly stride: number
  readonly valueSize: number

  constructor(kind: Kind, name: string, start: number, length: number, more: RegionOptions = {}) {
    this.kind = kind
    this.name = name
    this.map = more.map
    this.start = start
    this.length = length
    this.written = more.written
    this.writable = more.writable
    this.valueSize = kind === 'values' ? (more.map?.description.value.size ?? 0) : 0
    this.stride = kind === 'values' ? strideOf(this.valueSize) : 0
  }
}

/** What programs can reach: regions of a heap, by their numbers. */
export class Memory {
  readonly heap = new Heap()
  readonly regions: (Region | undefined)[] = new Array<Region | undefined>(REGION.maps).fill(undefined)
  /** Where the packet is now. */
  packet: number = REGION.packet
  /**
   * Whether bits of what is written are kept. They are not for a program that is known to read nothing that it has not written,
   * and to have no pointers to its stack but those that are known.
   */
  tracked = true
  readonly #stacks: readonly Region[]
  readonly #free: number[] = []
  #tableRoom = 0

  /** `zeroed`: stacks are zeros at first, instead of nothing that could be read. */
  constructor({ zeroed = false }: { readonly zeroed?: boolean } = {}) {
    this.#stacks = Array.from({ length: LIMIT.callDepth }, (_, depth) => {
      const name = depth === 0 ? 'stack' : `stack of call ${depth}`
      const start = AT.stacks + depth * LIMIT.stack
      const written = AT.written + depth * ROOM.written
      return new Region('stack', name, start, LIMIT.stack, zeroed ? {} : { written })
    })
    this.#makeTable(2 * REGION.maps)
  }

  /** Gives a map its two regions and returns the first one's number. */
  addMap(map: VirtualMap, values: Region, descriptor: number): number {
    const id = this.#free.pop() ?? this.regions.length
    this.regions[id] = new Region('map', `map "${map.name}"`, 0, 0, { map })
    this.regions[id + 1] = values
    this.#enter(id + 1, descriptor)
    const { view } = this.heap
    view.setUint32(descriptor + DESCRIPTOR.stride, values.stride, true)
    view.setUint32(descriptor + DESCRIPTOR.valueSize, values.valueSize, true)
    view.setUint32(descriptor + DESCRIPTOR.id, id + 1, true)
    return id
  }

  removeMap(id: number): void {
    this.regions[id] = undefined
    this.regions[id + 1] = undefined
    this.#enter(id + 1, 0)
    this.#free.push(id)
  }

  /** A packet arrives; or one that was put aside is there again, `at` the region where it was. */
  setPacket(region: Region, at: number = REGION.packet): void {
    this.regions[this.packet] = undefined
    this.#enter(this.packet, 0)
    this.#packetAt(at, region)
  }

  /** Makes every packet pointer that a program still holds stale. */
  movePacket(): void {
    const region = this.regions[this.packet]
    if (region === undefined) return
    this.regions[this.packet] = undefined
    this.#enter(this.packet, 0)
    this.#packetAt(REGION.packet + ((this.packet - REGION.packet + 1) % REGION.packets), region)
  }

  /** The packet's length has changed. */
  measurePacket(length: number): void {
    const { words } = this.heap
    words[AT.packetLength >> 2] = length
    words[(AT.packetDescriptor + DESCRIPTOR.length) >> 2] = length
  }

  enterFrame(depth: number): void {
    if (depth >= LIMIT.callDepth) throw new Trap(tooDeep)
    const { bytes, words } = this.heap
    if (this.#stacks[depth]?.written === undefined) {
      const start = AT.stacks + depth * LIMIT.stack
      bytes.fill(0, start, start + LIMIT.stack)
    } else {
      const written = AT.written + depth * ROOM.written
      bytes.fill(0, written, written + ROOM.written)
    }
    words[AT.depth >> 2] = depth
  }

  /** Runs a program on these stacks, which are as they were afterwards. */
  aside<T>(run: () => T): T {
    const { tracked, heap } = this
    const end = AT.stacks + LIMIT.callDepth * LIMIT.stack
    const stacks = heap.bytes.slice(AT.written, end)
    const depth = heap.words[AT.depth >> 2] ?? 0
    const result = run()
    this.tracked = tracked
    this.heap.bytes.set(stacks, AT.written)
    this.heap.words[AT.depth >> 2] = depth
    return result
  }

  leaveFrame(depth: number): void {
    this.heap.words[AT.depth >> 2] = depth - 1
  }

  /** By the upper half of an address. */
  region(id: number): Region | undefined {
    const depth = id - REGION.stack
    if (depth < 0 || depth >= LIMIT.callDepth) {
      const region = this.regions[id & REGION_MASK]
      return region?.stride === 0 && id >>> REGION_BITS !== 0 ? undefined : region
    }
    return !this.tracked || depth <= (this.heap.words[AT.depth >> 2] ?? 0) ? this.#stacks[depth] : undefined
  }

  #packetAt(id: number, region: Region): void {
    this.packet = id
    this.regions[id] = region
    this.heap.words[(AT.packetDescriptor + DESCRIPTOR.start) >> 2] = region.start
    this.heap.words[(AT.packetBase >> 2) + 1] = id
    this.#enter(id, AT.packetDescriptor)
  }

  /** Where in linear memory the descriptor of a region is. */
  #enter(id: number, descriptor: number): void {
    if (id >= this.#tableRoom) this.#makeTable(2 * id)
    const table = this.heap.words[AT.regions >> 2] ?? 0
    this.heap.words[(table >> 2) + id] = descriptor
  }

  #makeTable(room: number): void {
    const { heap } = this
    const before = heap.words[AT.regions >> 2] ?? 0
    const after = heap.allocate(4 * room)
    if (before !== 0) {
      heap.bytes.copyWithin(after, before, before + 4 * this.#tableRoom)
      heap.release(before, 4 * this.#tableRoom)
    }
    heap.words[AT.regions >> 2] = after
    heap.words[AT.regionCount >> 2] = room
    this.#tableRoom = room
  }

  /** Where in linear memory the `size` bytes at offset `at` of a region are, which a load instruction may read. */
  readable(id: number, at: number, size: number): number {
    const region = this.#holding('reads', id, at, size)
    if (region.written !== undefined) {
      if (at % size !== 0) throw new Trap(`reads ${size} bytes of stack at an address that is no multiple of ${size}`)
      this.#checkWritten('reads', region, id, at, size)
    } else if (region.stride !== 0) {
      if (isBeyond(region, id, at, size)) throw beyondValue('reads', region, id, at, size)
    } else if (region.kind === 'context' && size === 8) throw new Trap('a context field is not 8 bytes wide')
    return region.start + at
  }

  /** The same for what a store instruction may write. */
  writable(id: number, at: number, size: number): number {
    const region = this.#holding('writes', id, at, size)
    if (region.written !== undefined) {
      if (at % size !== 0) throw new Trap(`writes ${size} bytes of stack at an address that is no multiple of ${size}`)
      if (!this.tracked) throw nowhere('writes', id, at, size)
      this.#mark(region.written, at, size)
    } else if (region.stride !== 0) {
      if (isBeyond(region, id, at, size)) throw beyondValue('writes', region, id, at, size)
    } else if (region.writable !== undefined && (region.writable[at] !== 1 || region.writable[at + size - 1] !== 1))
      throw new Trap(`writes ${size} bytes at ${region.name}+${at}, which is a read-only field`)
    return region.start + at
  }

  /** The same for what an atomic instruction may change: aligned bytes of a stack or of a map's values. */
  atomic(id: number, at: number, size: number): number {
    const address = this.readable(id, at, size)
    if (at % size !== 0)
      throw new Trap(`an atomic operation on ${size} bytes at an address that is no multiple of ${size}`)
    const kind = this.region(id)?.kind
    if (kind !== 'stack' && kind !== 'values' && kind !== 'plain')
      throw new Trap(`an atomic operation on the ${kind}: only the stack and map values have them`)
    return address
  }

  /** The same for what a helper takes as a key or a value. */
  argument(id: number, at: number, size: number, verb: string = TAKES.key): number {
    const region = this.#holding(verb, id, at, size)
    if (region.kind === 'context') throw new Trap(`${verb} the context`)
    if (region.stride !== 0 && isBeyond(region, id, at, size)) throw beyondValue(verb, region, id, at, size)
    if (region.written !== undefined && this.tracked && !this.#isWritten(region.written, at, size))
      throw uninitialised(region, at, size)
    return region.start + at
  }

  /** The same for what a helper writes. */
  result(id: number, at: number, size: number): number {
    const verb = 'has a helper write'
    const region = this.#holding(verb, id, at, size)
    if (region.kind !== 'stack' && region.kind !== 'values' && region.kind !== 'record')
      throw new Trap(`${verb} to the ${region.kind}: only the stack, map values and records of rings can be`)
    if (region.stride !== 0 && isBeyond(region, id, at, size)) throw beyondValue(verb, region, id, at, size)
    if (region.written !== undefined) this.#mark(region.written, at, size)
    return region.start + at
  }

  #holding(verb: string, id: number, at: number, size: number): Region {
    const region = this.region(id)
    if (region === undefined || at < 0 || at + size > region.length) throw this.#outside(verb, id, at, size)
    return region
  }

  #checkWritten(verb: string, region: Region, id: number, at: number, size: number): void {
    if (!this.tracked) throw nowhere(verb, id, at, size)
    if (!this.#isWritten(region.written ?? 0, at, size)) throw uninitialised(region, at, size)
  }

  #isWritten(written: number, at: number, size: number): boolean {
    const { bytes } = this.heap
    for (let i = at; i < at + size; i++) if ((((bytes[written + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 0) return false
    return true
  }

  #mark(written: number, at: number, size: number): void {
    const { bytes } = this.heap
    for (let i = at; i < at + size; i++) bytes[written + (i >> 3)] = (bytes[written + (i >> 3)] ?? 0) | (1 << (i & 7))
  }

  #outside(verb: string, id: number, at: number, size: number): Trap {
    const region = this.region(id)
    if (region !== undefined) {
      const from = region.kind === 'stack' ? at - LIMIT.stack : at
      const where = `${region.name}${from < 0 ? from : `+${from}`}`
      if (region.kind === 'map')
        return new Trap(`${verb} ${bytes(size)} at ${where}, which is a map and not one of its values`)
      return new Trap(`${verb} ${bytes(size)} at ${where}, but the ${region.name} has ${region.length}`)
    }
    if (id === 0)
      return new Trap(`${verb} ${bytes(size)} at address ${at}: a null pointer, or a number that is no pointer`)
    if (id >= REGION.packet && id < REGION.packet + REGION.packets)
      return new Trap(`${verb} ${bytes(size)} by a packet pointer from before the packet moved`)
    if (id >= REGION.stack && id < REGION.stack + LIMIT.callDepth)
      return new Trap(`${verb} ${bytes(size)} on the stack of a function that has returned`)
    return nowhere(verb, id, at, size)
  }
}

/** What helpers do with bytes. */
export const TAKES = { key: 'takes as the key', value: 'takes as the value', record: 'takes as the record' } as const

export const tooDeep = `calls are nested more than ${LIMIT.callDepth} deep`

const bytes = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`)

const nowhere = (verb: string, id: number, at: number, size: number): Trap =>
  new Trap(`${verb} ${bytes(size)} at 0x${(id >>> 0).toString(16)}:${at}, where there is no memory`)

const uninitialised = (region: Region, at: number, size: number): Trap =>
  new Trap(`reads ${bytes(size)} at ${region.name}${at - LIMIT.stack}, not all of which were written before`)

/** How far behind the start of the value that a pointer is for. */
function inValue({ stride }: Region, id: number, at: number): number {
  const slot = Math.floor(at / stride)
  // The nearest one, for only the low bits of its number are known.
  const away = ((slot - (id >>> REGION_BITS)) << (32 - SLOT_BITS)) >> (32 - SLOT_BITS)
  return at - (slot - away) * stride
}

function isBeyond(region: Region, id: number, at: number, size: number): boolean {
  const offset = inValue(region, id, at)
  return offset < 0 || offset + size > region.valueSize
}

const beyondValue = (verb: string, region: Region, id: number, at: number, size: number): Trap =>
  new Trap(
    `${verb} ${bytes(size)} at byte ${inValue(region, id, at)} of ${region.name}, which have ${region.valueSize} bytes each`,
  )

/** The length of a value where a system call sees the values of all CPUs side by side. */
export const paddedSize = (size: number): number => alignUp(size, 8)

/**
 * The distance between two values of a map. They start at multiples of 8, as the kernel's do, and behind each is a gap
 * that nobody may touch, so that an access just outside one value is not a silent access to the next.
 */
export const strideOf = (size: number): number => paddedSize(size) + 8
