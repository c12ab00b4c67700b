/** Maps of bytes → the typed tables that a control plane sees, and the counters of ports. */
import type { Machine, MachineMap } from '../backend/machine.ts'
import type { Held } from '../base/held.ts'
import { counter, countersMap, dropReasons, MAP, SLOT, slotsPerPort } from '../compiler/wiring.ts'
import type { Cube } from '../cube/index.ts'
import { decodeStruct, encodeStruct } from '../lang/codec.ts'
import { type ControlTable, describe, type Fields, struct, type Table, u32 } from '../lang/index.ts'
import { mapPath } from './stitch.ts'

/** A table of a schema over the machine's map. */
export function controlTable<K extends Fields, V extends Fields>(
  table: Table<K, V>,
  map: MachineMap,
): ControlTable<K, V> {
  return {
    get(key) {
      const bytes = map.lookup(encodeStruct(table.key, key))
      return bytes === undefined ? undefined : decodeStruct(table.value, bytes)
    },
    set: (key, value) => map.update(encodeStruct(table.key, key), encodeStruct(table.value, value)),
    delete: (key) => map.delete(encodeStruct(table.key, key)),
    entries: () =>
      map.entries().map(([key, value]) => [decodeStruct(table.key, key), decodeStruct(table.value, value)] as const),
  }
}

/** Opens all tables of an instance. What is not there is left out. */
export function openTables(
  machine: Machine,
  graph: string,
  instance: string,
  cube: Cube,
  held: Held,
): Record<string, ControlTable<Fields, Fields>> {
  const tables: Record<string, ControlTable<Fields, Fields>> = {}
  for (const [name, table] of Object.entries(cube.state)) {
    const map = machine.openMap(mapPath(graph, instance, name), describe(table))
    if (map !== undefined) tables[name] = controlTable(table, held.use(map))
  }
  return tables
}

export interface Count {
  readonly packets: bigint
  readonly bytes: bigint
}

export interface PortCounters {
  readonly received: Count
  readonly sent: Count
  /** By reason; reasons that never happened are left out. */
  readonly drops: Readonly<Record<string, Count>>
}

/** Reads the counters of an instance's ports, port by port, summed over all CPUs. */
export function readCounters(
  machine: Machine,
  graph: string,
  instance: string,
  cube: Cube,
  capacity: number,
  held: Held,
): (port: number) => PortCounters {
  const map = machine.openMap(mapPath(graph, instance, MAP.counters), countersMap(cube, capacity))
  if (map !== undefined) held.use(map)
  return (port) => {
    const at = (slot: number): Count =>
      sum(map?.lookup(encodeStruct(counterKey, { index: port * slotsPerPort(cube) + slot })))
    const drops = Object.keys(dropReasons(cube))
      .map((reason, index) => [reason, at(SLOT.firstDrop + index)] as const)
      .filter(([, { packets }]) => packets > 0n)
    return { received: at(SLOT.received), sent: at(SLOT.sent), drops: Object.fromEntries(drops) }
  }
}

const counterKey = struct('key', { index: u32 })

function sum(values: Uint8Array | undefined): Count {
  let [packets, bytes] = [0n, 0n]
  for (let at = 0; values !== undefined && at + counter.size <= values.length; at += counter.size) {
    const one = decodeStruct(counter, values.subarray(at))
    packets += one.packets
    bytes += one.bytes
  }
  return { packets, bytes }
}
