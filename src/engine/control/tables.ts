/** Maps of bytes → the typed tables that a control plane sees, and the counters of ports. */
import type { Machine, MachineMap } from '../../backend/machine.ts'
import { alignUp } from '../../base/bytes.ts'
import type { Held } from '../../base/held.ts'
import { countersMap, countsIn, dropReasons, lostSlot, MAP, puntSlot, rings, SLOT } from '../../compiler/wiring.ts'
import type { Cube } from '../../cube/index.ts'
import { isPerCpu, isSequence } from '../../isa/program.ts'
import { decodeStruct, encodeStruct } from '../../lang/codec.ts'
import {
  type ControlBloom,
  type ControlCell,
  type ControlOf,
  type ControlPerCpuTable,
  type ControlPrefixes,
  type ControlQueue,
  type ControlSwap,
  type ControlTable,
  type ControlTableOf,
  describe,
  type Fields,
  mapKind,
  type StructType,
  struct,
  swapped,
  type Table,
  type TableKind,
  u32,
} from '../../lang/index.ts'
import { decodePrefix, encodePrefix } from '../../lang/prefix.ts'
import { mapPath } from '../graph/paths.ts'
import { packetRing, ring } from './events.ts'

/** A table of a schema over the machine's map. */
export function controlTable<T extends Table>(table: T, map: MachineMap): ControlTableOf<T> {
  return viewOf(table.kind)(table, map) as ControlTableOf<T>
}

function viewOf(kind: TableKind): (table: Table, map: MachineMap) => unknown {
  if (swapped(kind) !== undefined) return swap
  if (kind === 'cell') return cell
  if (kind === 'ringbuf') return ring
  if (kind === 'packet_ringbuf') return packetRing
  if (kind === 'bloom_filter') return bloom
  if (kind === 'lpm_trie') return prefixes
  if (isPerCpu(mapKind(kind))) return perCpu
  return isSequence(mapKind(kind)) ? sequence : plain
}

function plain({ key: keys, value: values }: Table, map: MachineMap): ControlTable<Fields, Fields> {
  return {
    get(key) {
      const bytes = map.lookup(encodeStruct(keys, key))
      return bytes === undefined ? undefined : decodeStruct(values, bytes)
    },
    set: (key, value) => void map.update(encodeStruct(keys, key), encodeStruct(values, value)),
    add: (key, value) => map.update(encodeStruct(keys, key), encodeStruct(values, value), 'new'),
    replace: (key, value) => map.update(encodeStruct(keys, key), encodeStruct(values, value), 'present'),
    delete: (key) => map.delete(encodeStruct(keys, key)),
    entries: () => map.entries().map(([key, value]) => [decodeStruct(keys, key), decodeStruct(values, value)]),
  }
}

function prefixes({ key: keys, value: values }: Table, map: MachineMap): ControlPrefixes<Fields, Fields> {
  return {
    get(prefix) {
      const bytes = map.lookup(encodePrefix(keys, prefix))
      return bytes === undefined ? undefined : decodeStruct(values, bytes)
    },
    set: (prefix, value) => void map.update(encodePrefix(keys, prefix), encodeStruct(values, value)),
    add: (prefix, value) => map.update(encodePrefix(keys, prefix), encodeStruct(values, value), 'new'),
    replace: (prefix, value) => map.update(encodePrefix(keys, prefix), encodeStruct(values, value), 'present'),
    delete: (prefix) => map.delete(encodePrefix(keys, prefix)),
    entries: () => map.entries().map(([key, value]) => [decodePrefix(keys, key), decodeStruct(values, value)]),
  }
}

function swap(table: Table, map: MachineMap): ControlTable<Fields, Fields> & ControlSwap<never, Fields> {
  const prefixed = table.kind === 'swappable_lpm_trie'
  const encodeKey = prefixed ? encodePrefix : encodeStruct
  return {
    ...(prefixed ? prefixes(table, map) : plain(table, map)),
    replaceAll: (entries) =>
      map.replaceAll([...entries].map(([key, value]) => [encodeKey(table.key, key), encodeStruct(table.value, value)])),
  }
}

function perCpu({ key: keys, value: values }: Table, map: MachineMap): ControlPerCpuTable<Fields, Fields> {
  const each = alignUp(values.size, 8)
  const cpus = map.valueSize / each
  const all = (bytes: Uint8Array) =>
    Array.from({ length: cpus }, (_, cpu) => decodeStruct(values, bytes.subarray(cpu * each)))
  const get = (key: ControlOf<Fields>) => {
    const bytes = map.lookup(encodeStruct(keys, key))
    return bytes === undefined ? undefined : all(bytes)
  }
  return {
    get,
    sum: (key) => {
      const found = get(key)
      return found === undefined ? undefined : sumOf(values, found)
    },
    set(key, value) {
      const bytes = new Uint8Array(map.valueSize)
      for (let cpu = 0; cpu < cpus; cpu++) bytes.set(encodeStruct(values, value), cpu * each)
      map.update(encodeStruct(keys, key), bytes)
    },
    delete: (key) => map.delete(encodeStruct(keys, key)),
    entries: () => map.entries().map(([key, value]) => [decodeStruct(keys, key), all(value)]),
  }
}

function sequence({ value: values }: Table, map: MachineMap): ControlQueue<Fields> {
  const noKey = new Uint8Array()
  const decoded = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : decodeStruct(values, bytes))
  return {
    push: (value) => void map.update(noKey, encodeStruct(values, value)),
    pop: () => decoded(map.pop()),
    peek: () => decoded(map.lookup(noKey)),
  }
}

function cell({ key: keys, value: values }: Table, map: MachineMap): ControlCell<Fields> {
  const key = encodeStruct(keys, { index: 0 })
  return {
    get: () => decodeStruct(values, map.lookup(key) ?? new Uint8Array(values.size)),
    set: (value) => void map.update(key, encodeStruct(values, value)),
  }
}

function bloom({ value: values }: Table, map: MachineMap): ControlBloom<Fields> {
  return {
    add: (value) => void map.update(new Uint8Array(), encodeStruct(values, value)),
    has: (value) => map.has(encodeStruct(values, value)),
  }
}

/** The integers of structs, field by field. */
function sumOf(
  { fields }: StructType,
  values: readonly ControlOf<Fields>[],
): Readonly<Record<string, number | bigint>> {
  const integers = Object.keys(fields).filter((name) => fields[name]?.kind === 'int')
  return Object.fromEntries(
    integers.map((name) => {
      const numbers = values.map((value) => value[name] as number | bigint)
      const total = numbers.reduce<bigint>((sum, one) => sum + BigInt(one), 0n)
      return [name, typeof numbers[0] === 'bigint' ? total : Number(total)]
    }),
  )
}

/** Opens all tables of an instance. What is not there is left out. */
export function openTables(
  machine: Pick<Machine, 'openMap'>,
  graph: string,
  instance: string,
  cube: Cube,
  held: Held,
): Record<string, ControlTableOf<Table>> {
  const tables: Record<string, ControlTableOf<Table>> = {}
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
  /** Events that found no room, by ring, and the packets that they were about; rings that never were full are left out. */
  readonly lost: Readonly<Record<string, Count>>
  /** Left to the control plane, by reason; reasons that never happened are left out. */
  readonly punts: Readonly<Record<string, Count>>
}

/** What has been counted at an instance's ports until now, by all CPUs together. */
export function readCounters(
  machine: Machine,
  graph: string,
  instance: string,
  cube: Cube,
  capacity: number,
): (port: number) => PortCounters {
  using map = machine.openMap(mapPath(graph, instance, MAP.counters), countersMap(cube, capacity, machine.cpus))
  const counted = countsIn(map?.lookup(ONLY) ?? new Uint8Array(), { cube, capacity })
  const drops = Object.keys(dropReasons(cube)).map((name, index) => [name, SLOT.firstDrop + index] as const)
  const lost = rings(cube).map((name) => [name, lostSlot(cube, name)] as const)
  const punts = Object.keys(cube.punts ?? {}).map((name, index) => [name, puntSlot(cube, index)] as const)
  return (port) => {
    const happened = (slots: readonly (readonly [name: string, slot: number])[]) =>
      Object.fromEntries(
        slots.flatMap(([name, slot]) => {
          const count = counted(port, slot)
          return count.packets > 0n ? [[name, count] as const] : []
        }),
      )
    return {
      received: counted(port, SLOT.received),
      sent: counted(port, SLOT.sent),
      drops: happened(drops),
      lost: happened(lost),
      punts: happened(punts),
    }
  }
}

/** The key of the one entry that counters are. */
const ONLY = encodeStruct(struct('key', { index: u32 }), { index: 0 })
