/** One machine with the tables of the sample cube, filled and read again for each generated program. */
import type { Machine, MachineMap, RunResult } from '../../src/backend/machine.ts'
import { alignUp, toHex } from '../../src/base/bytes.ts'
import { mapsOf } from '../../src/compiler/compile.ts'
import { MAP, rowsOf, slotsPerPort, type Wiring } from '../../src/compiler/wiring.ts'
import type { Layout } from '../../src/isa/layout.ts'
import {
  isArray,
  isBloom,
  isPerCpu,
  isRing,
  isSequence,
  type MapDescription,
  type Program,
} from '../../src/isa/program.ts'
import { decodeStruct } from '../../src/lang/codec.ts'
import { puntHeader, puntReasons } from '../../src/lang/index.ts'
import { sample } from './cube.ts'
import type { Entries, TableContents, World } from './interpret.ts'

/** Ports 0 to 2; the interface behind port 1 does not exist, so that flooding fails there. */
export const wiring: Wiring = {
  port: 0,
  exits: [
    { port: 0, ifindex: 0x7ffffff0 },
    { port: 1, ifindex: 0x7ffffff1 },
    { port: 2, ifindex: 0x7ffffff2 },
  ],
  capacity: 4,
}

/** More than there are. */
export const CPUS = 64

const MAPS = mapsOf(sample, wiring.capacity, 'xdp', CPUS)

export interface Outcome {
  /** One for each packet. */
  readonly results: readonly RunResult[]
  /** `table key = value`, in hexadecimal and sorted. */
  readonly entries: readonly string[]
  /** `slot: packets, bytes` */
  readonly counters: readonly string[]
}

export class Bench {
  readonly machine: Machine
  private readonly maps: Record<string, MachineMap>

  constructor(machine: Machine) {
    this.machine = machine
    this.maps = Object.fromEntries(Object.entries(MAPS).map(([name, map]) => [name, machine.createMap(name, map)]))
    // An interface that every machine's map takes: the kernel's asks whether it exists.
    for (const { port } of wiring.exits) this.map(MAP.exits).update(word(port), word(1))
  }

  /** Loads the program, runs it on each packet in turn, and looks at what is left of the tables. */
  run(program: Program, tables: TableContents, packets: readonly Uint8Array[], now: bigint): Outcome {
    for (let tries = 0; tries < 100; tries++) {
      this.fill(tables, now)
      using loaded = this.machine.load(program, this.maps)
      this.map(MAP.punts).consume()
      const results = packets.map((packet) => loaded.run(packet))
      const { cpu, lines } = this.counters()
      // Half of the values would be another CPU's.
      if (cpu === undefined) continue
      const entries = Object.keys(tables).flatMap((name) => this.linesOf(name, cpu))
      entries.push(...inOrder(MAP.punts, this.map(MAP.punts).consume().map(whole)))
      return { results, entries: entries.sort(), counters: lines }
    }
    throw new Error('the scheduler moves this process all the time')
  }

  private map(name: string): MachineMap {
    const map = this.maps[name]
    if (map === undefined) throw new Error(`no map ${name}`)
    return map
  }

  private fill(tables: TableContents, now: bigint): void {
    for (const [name, entries] of Object.entries(tables)) {
      const map = this.map(name)
      const { kind, value } = entriesOf(map)
      if (isBloom(kind)) {
        // Nothing can be taken out of it.
        this.maps[name] = this.machine.createMap(name, map.description)
        map[Symbol.dispose]()
      } else if (isRing(kind)) map.consume()
      else if (isSequence(kind)) while (map.pop() !== undefined);
      else if (!isArray(kind)) for (const [key] of map.entries()) map.delete(key)
      for (const [key, bytes] of entries) {
        const everywhere = new Uint8Array(map.valueSize)
        for (let at = 0; at < map.valueSize; at += alignUp(value.size, 8)) everywhere.set(bytes, at)
        map.update(isSequence(kind) ? new Uint8Array(0) : Buffer.from(key, 'hex'), everywhere)
      }
    }
    const counters = this.map(MAP.counters)
    counters.update(word(0), new Uint8Array(counters.valueSize))
    const clock = Buffer.alloc(8)
    clock.writeBigUInt64LE(now)
    this.map(MAP.clock).update(new Uint8Array(4), clock)
  }

  /** The entries of a table, or the values of a queue in their order; for a per-CPU table, those of one CPU. */
  private linesOf(name: string, cpu: number): string[] {
    const map = this.map(name)
    const { kind, value } = entriesOf(map)
    if (isBloom(kind)) return []
    if (isRing(kind))
      return inOrder(
        name,
        map.consume().map((record) => captured(value, record)),
      )
    if (isSequence(kind))
      return inOrder(
        name,
        Array.from({ length: map.description.entries }, () => map.pop()).flatMap((one) => one ?? []),
      )
    const at = isPerCpu(kind) ? cpu * alignUp(value.size, 8) : 0
    return linesOf(
      name,
      map.entries().map(([key, bytes]) => [key, bytes.subarray(at, at + value.size)]),
    )
  }

  /** What was counted, and by which CPU; no CPU where it was more than one. */
  private counters(): { readonly cpu: number | undefined; readonly lines: readonly string[] } {
    const value = this.map(MAP.counters).lookup(word(0)) ?? new Uint8Array()
    const words = new BigUint64Array(value.slice().buffer)
    // To look for the few that are not 0 among those of all CPUs takes less time without a number made of each.
    const halves = new Uint32Array(words.buffer)
    const perCpu = rowsOf(wiring.capacity) * slotsPerPort(sample)
    const cpus = new Set<number>()
    const lines: string[] = []
    for (let at = 0; at < words.length; at += 2) {
      if (halves[2 * at] === 0 && halves[2 * at + 1] === 0) continue
      const [packets, bytes] = words.subarray(at, at + 2)
      cpus.add(Math.floor(at / 2 / perCpu))
      lines.push(`${(at / 2) % perCpu}: ${packets}, ${bytes}`)
    }
    return { cpu: cpus.size === 1 ? [...cpus][0] : undefined, lines: lines.sort() }
  }
}

/** Of a map of maps, those of the one in it. */
const entriesOf = ({ description }: MachineMap): MapDescription => description.inner ?? description

/** The record of an event, without the room that its packet did not need. */
function captured(value: Layout, record: Uint8Array): Uint8Array {
  const [length, packet] = value.kind === 'struct' ? value.fields.slice(-2) : []
  if (length?.name !== 'captured' || packet === undefined) return record
  return record.subarray(0, packet.offset + Buffer.from(record).readUInt32LE(length.offset))
}

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** A punt without the room that it did not need. */
function whole(record: Uint8Array): Uint8Array {
  const { reason, captured } = decodeStruct(puntHeader, record)
  return record.subarray(0, (puntReasons(sample.punts)[reason]?.at ?? 0) + captured)
}

const linesOf = (name: string, entries: Iterable<readonly [Uint8Array, Uint8Array]>): string[] =>
  [...entries].map(([key, value]) => `${name} ${toHex(key)} = ${toHex(value)}`)

const inOrder = (name: string, values: readonly Uint8Array[]): string[] =>
  values.map((value, index) => `${name} ${index}: ${toHex(value)}`)

/** The same, of what the interpreter left. */
export const outcomeOf = (results: readonly RunResult[], { tables, events, counters }: World): Outcome => ({
  results,
  entries: Object.entries(tables)
    .flatMap(([name, entries]) => leftIn(name, entries, events.get(name) ?? []))
    .concat(inOrder(MAP.punts, events.get(MAP.punts) ?? []))
    .sort(),
  counters: [...counters].map(([slot, [packets, bytes]]) => `${slot}: ${packets}, ${bytes}`).sort(),
})

function leftIn(name: string, entries: Entries, events: readonly Uint8Array[]): string[] {
  const values = [...entries.values()]
  switch (MAPS[name]?.kind) {
    case 'bloom_filter':
      return []
    case 'ringbuf':
      return inOrder(name, events)
    case 'queue':
      return inOrder(name, values)
    case 'stack':
      return inOrder(name, values.reverse())
    default:
      return linesOf(
        name,
        [...entries].map(([key, value]) => [Buffer.from(key, 'hex'), value]),
      )
  }
}
