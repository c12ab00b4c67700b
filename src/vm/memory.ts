import { alignUp, viewOf } from '../base/bytes.ts'
import { LIMIT } from '../isa/opcodes.ts'
import { Trap } from './fault.ts'
import type { VirtualMap } from './map.ts'

/**
 * An address is 64 bits: the upper 32 name a region, the lower 32 are a byte offset into it. No region is 4 GiB long, so
 * arithmetic that leaves a region never arrives in another one, and 0 (the null pointer) is in none.
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

/** `plain` is bytes that a program may do everything with. */
type Kind = 'context' | 'packet' | 'stack' | 'record' | 'map' | 'values' | 'plain'

interface RegionOptions {
  readonly map?: VirtualMap
  readonly writable?: Uint8Array
  /** Of a stack: whether it is zeros at first, instead of nothing that could be read. */
  readonly zeroed?: boolean
}

/** A run of bytes that a program may reach. `bytes` may be longer than `length`, and may be replaced by longer ones. */
export class Region {
  readonly kind: Kind
  readonly name: string
  readonly map: VirtualMap | undefined
  bytes: Uint8Array
  view: DataView
  length: number
  /** For a stack: a byte for each 8 bytes, a bit for each byte that was written. */
  readonly written: Uint8Array | undefined
  /** For a context: 1 for each byte a program may write. */
  readonly writable: Uint8Array | undefined
  /** For the values of a map: how far they are apart, and how long each is. */
  readonly stride: number
  readonly valueSize: number

  constructor(kind: Kind, name: string, bytes: Uint8Array, more: RegionOptions = {}) {
    this.kind = kind
    this.name = name
    this.map = more.map
    this.bytes = bytes
    this.view = viewOf(bytes)
    this.length = bytes.length
    this.written = kind === 'stack' && more.zeroed !== true ? new Uint8Array(bytes.length >> 3) : undefined
    this.writable = more.writable
    this.valueSize = kind === 'values' ? (more.map?.description.value.size ?? 0) : 0
    this.stride = kind === 'values' ? strideOf(this.valueSize) : 0
  }

  replace(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = viewOf(bytes)
    this.length = bytes.length
  }
}

export class Memory {
  readonly regions: (Region | undefined)[] = new Array<Region | undefined>(REGION.maps).fill(undefined)
  /** Where the packet is now. */
  packet: number = REGION.packet
  readonly #stacks: readonly Region[]
  readonly #free: number[] = []

  constructor({ zeroed = false }: Pick<RegionOptions, 'zeroed'> = {}) {
    this.#stacks = Array.from({ length: LIMIT.callDepth }, (_, depth) => {
      const name = depth === 0 ? 'stack' : `stack of call ${depth}`
      return new Region('stack', name, new Uint8Array(LIMIT.stack), { zeroed })
    })
  }

  /** Gives a map its two regions and returns the first one's number. */
  addMap(map: VirtualMap, values: Region): number {
    const id = this.#free.pop() ?? this.regions.length
    this.regions[id] = new Region('map', `map "${map.name}"`, new Uint8Array(0), { map })
    this.regions[id + 1] = values
    return id
  }

  removeMap(id: number): void {
    this.regions[id] = undefined
    this.regions[id + 1] = undefined
    this.#free.push(id)
  }

  setPacket(region: Region): void {
    this.regions[this.packet] = undefined
    this.packet = REGION.packet
    this.regions[this.packet] = region
  }

  /** Makes every packet pointer that a program still holds stale. */
  movePacket(): void {
    const region = this.regions[this.packet]
    this.regions[this.packet] = undefined
    this.packet = REGION.packet + ((this.packet - REGION.packet + 1) % REGION.packets)
    this.regions[this.packet] = region
  }

  enterFrame(depth: number): void {
    const stack = this.#stacks[depth]
    if (stack === undefined) throw new Trap(`calls are nested more than ${LIMIT.callDepth} deep`)
    if (stack.written === undefined) stack.bytes.fill(0)
    else stack.written.fill(0)
    this.regions[REGION.stack + depth] = stack
  }

  leaveFrame(depth: number): void {
    this.regions[REGION.stack + depth] = undefined
  }

  /** The region that holds `size` bytes at offset `at`, which a load instruction may read. */
  readable(id: number, at: number, size: number): Region {
    const region = this.regions[id]
    if (region === undefined || at < 0 || at + size > region.length) throw this.#outside('reads', id, at, size)
    if (region.written !== undefined) {
      if (at % size !== 0) throw new Trap(`reads ${size} bytes of stack at an address that is no multiple of ${size}`)
      const mask = ((1 << size) - 1) << (at & 7)
      if (((region.written[at >> 3] ?? 0) & mask) !== mask) throw uninitialised(region, at, size)
    } else if (region.stride !== 0) {
      if ((at % region.stride) + size > region.valueSize) throw beyondValue('reads', region, at, size)
    } else if (region.kind === 'context' && size === 8) throw new Trap('a context field is not 8 bytes wide')
    return region
  }

  /** The region that holds `size` bytes at offset `at`, which a store instruction may write. */
  writable(id: number, at: number, size: number): Region {
    const region = this.regions[id]
    if (region === undefined || at < 0 || at + size > region.length) throw this.#outside('writes', id, at, size)
    if (region.written !== undefined) {
      if (at % size !== 0) throw new Trap(`writes ${size} bytes of stack at an address that is no multiple of ${size}`)
      region.written[at >> 3] = (region.written[at >> 3] ?? 0) | (((1 << size) - 1) << (at & 7))
    } else if (region.stride !== 0) {
      if ((at % region.stride) + size > region.valueSize) throw beyondValue('writes', region, at, size)
    } else if (region.writable !== undefined && (region.writable[at] !== 1 || region.writable[at + size - 1] !== 1))
      throw new Trap(`writes ${size} bytes at ${region.name}+${at}, which is a read-only field`)
    return region
  }

  /** What an atomic instruction may change: aligned bytes of a stack or of a map's values. */
  atomic(id: number, at: number, size: number): Region {
    const region = this.readable(id, at, size)
    if (at % size !== 0)
      throw new Trap(`an atomic operation on ${size} bytes at an address that is no multiple of ${size}`)
    if (region.kind !== 'stack' && region.kind !== 'values' && region.kind !== 'plain')
      throw new Trap(`an atomic operation on the ${region.kind}: only the stack and map values have them`)
    return region
  }

  /** The region whose `size` bytes at `at` a helper takes as a key or a value. */
  argument(id: number, at: number, size: number, what: string): Region {
    const region = this.regions[id]
    if (region === undefined || at < 0 || at + size > region.length)
      throw this.#outside(`takes as the ${what}`, id, at, size)
    if (region.kind === 'context') throw new Trap(`takes the context as the ${what}`)
    if (region.stride !== 0 && (at % region.stride) + size > region.valueSize)
      throw beyondValue(`takes as the ${what}`, region, at, size)
    if (region.written !== undefined)
      for (let i = at; i < at + size; i++)
        if ((((region.written[i >> 3] ?? 0) >> (i & 7)) & 1) === 0) throw uninitialised(region, at, size)
    return region
  }

  /** The region whose `size` bytes at `at` a helper writes. */
  result(id: number, at: number, size: number): Region {
    const verb = 'has a helper write'
    const region = this.regions[id]
    if (region === undefined || at < 0 || at + size > region.length) throw this.#outside(verb, id, at, size)
    if (region.kind !== 'stack' && region.kind !== 'values' && region.kind !== 'record')
      throw new Trap(`${verb} to the ${region.kind}: only the stack, map values and records of rings can be`)
    if (region.stride !== 0 && (at % region.stride) + size > region.valueSize) throw beyondValue(verb, region, at, size)
    if (region.written !== undefined)
      for (let i = at; i < at + size; i++) region.written[i >> 3] = (region.written[i >> 3] ?? 0) | (1 << (i & 7))
    return region
  }

  #outside(verb: string, id: number, at: number, size: number): Trap {
    const region = this.regions[id]
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
    return new Trap(`${verb} ${bytes(size)} at 0x${(id >>> 0).toString(16)}:${at}, where there is no memory`)
  }
}

const bytes = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`)

const uninitialised = (region: Region, at: number, size: number): Trap =>
  new Trap(`reads ${bytes(size)} at ${region.name}${at - LIMIT.stack}, not all of which were written before`)

const beyondValue = (verb: string, region: Region, at: number, size: number): Trap =>
  new Trap(
    `${verb} ${bytes(size)} at byte ${at % region.stride} of ${region.name}, which have ${region.valueSize} bytes each`,
  )

/** The length of a value where a system call sees the values of all CPUs side by side. */
export const paddedSize = (size: number): number => alignUp(size, 8)

/**
 * The distance between two values of a map. They start at multiples of 8, as the kernel's do, and behind each is a gap
 * that nobody may touch, so that an access just outside one value is not a silent access to the next.
 */
export const strideOf = (size: number): number => paddedSize(size) + 8
