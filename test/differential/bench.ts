/** One machine with the tables of the sample cube, filled and read again for each generated program. */
import type { Machine, MachineMap, RunResult } from '../../src/backend/machine.ts'
import { toHex } from '../../src/base/bytes.ts'
import { mapsOf } from '../../src/compiler/compile.ts'
import { MAP, type Wiring } from '../../src/compiler/wiring.ts'
import type { Program } from '../../src/isa/program.ts'
import { sample } from './cube.ts'
import type { TableContents } from './interpret.ts'

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
  private readonly maps: Readonly<Record<string, MachineMap>>

  constructor(machine: Machine) {
    this.machine = machine
    this.maps = Object.fromEntries(
      Object.entries(mapsOf(sample, wiring.capacity)).map(([name, map]) => [name, machine.createMap(name, map)]),
    )
  }

  /** Loads the program, runs it on each packet in turn, and looks at what is left. */
  run(program: Program, tables: TableContents, packets: readonly Uint8Array[], now: bigint): Outcome {
    this.fill(tables, now)
    using loaded = this.machine.load(program, this.maps)
    const results = packets.map((packet) => loaded.run(packet))
    const entries = Object.keys(sample.state).flatMap((name) => linesOf(name, this.map(name).entries()))
    return { results, entries: entries.sort(), counters: this.counters() }
  }

  private map(name: string): MachineMap {
    const map = this.maps[name]
    if (map === undefined) throw new Error(`no map ${name}`)
    return map
  }

  private fill(tables: TableContents, now: bigint): void {
    for (const [name, { kind }] of Object.entries(sample.state)) {
      const map = this.map(name)
      if (kind !== 'array') for (const [key] of map.entries()) map.delete(key)
      for (const [key, value] of tables[name] ?? []) map.update(Buffer.from(key, 'hex'), value)
    }
    const counters = this.map(MAP.counters)
    for (const [key, value] of counters.entries())
      if (value.some((byte) => byte !== 0)) counters.update(key, new Uint8Array(value.length))
    const clock = Buffer.alloc(8)
    clock.writeBigUInt64LE(now)
    this.map(MAP.clock).update(new Uint8Array(4), clock)
  }

  private counters(): string[] {
    return this.map(MAP.counters)
      .entries()
      .flatMap(([key, value]) => {
        const words = new BigUint64Array(value.slice().buffer)
        const [packets, bytes] = [0, 1].map((odd) =>
          words.filter((_, at) => at % 2 === odd).reduce((a, b) => a + b, 0n),
        )
        return packets === 0n ? [] : [`${key[0]}: ${packets}, ${bytes}`]
      })
      .sort()
  }
}

const linesOf = (name: string, entries: Iterable<readonly [Uint8Array, Uint8Array]>): string[] =>
  [...entries].map(([key, value]) => `${name} ${toHex(key)} = ${toHex(value)}`)

/** The same, of what the interpreter left. */
export const outcomeOf = (
  results: readonly RunResult[],
  tables: TableContents,
  counters: ReadonlyMap<number, readonly [bigint, bigint]>,
): Outcome => ({
  results,
  entries: Object.entries(tables)
    .flatMap(([name, entries]) =>
      linesOf(
        name,
        [...entries].map(([key, value]) => [Buffer.from(key, 'hex'), value]),
      ),
    )
    .sort(),
  counters: [...counters].map(([slot, [packets, bytes]]) => `${slot}: ${packets}, ${bytes}`).sort(),
})
