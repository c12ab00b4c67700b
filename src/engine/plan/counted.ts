/** Counters get another size or other reasons by a change: what the old ones have counted is kept in the record, and added on reading. */
import type { Machine } from '../../backend/machine.ts'
import { viewOf } from '../../base/bytes.ts'
import { counter, dropReasons, MAP, rings, rowsOf } from '../../compiler/wiring.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import type { MapDescription } from '../../isa/program.ts'
import type { Count, PortCounters } from '../control/tables.ts'
import type { Graph } from '../graph/graph.ts'
import { mapPath, nextPath } from '../graph/paths.ts'
import { type Running, recordedMap } from './records.ts'

/** What a slot of a port's counters is about: `received`, `sent`, `drops no_such_port`, `lost events`, `punts why`. */
export type Slots = readonly string[]

/** By port number and slot: packets and bytes, as text, for JSON has no numbers of 64 bits. */
export type CountedPorts = Readonly<Record<string, Readonly<Record<string, readonly [packets: string, bytes: string]>>>>

/** Counters that others take the place of. */
export interface OldCounters {
  readonly path: string
  readonly from: MapDescription
  readonly slots: Slots
}

/** What the counters of each instance are about, by the paths of their maps. */
export function slotsOf(graph: Graph, cubes: ReadonlyMap<string, CubeFolder>): Readonly<Record<string, Slots>> {
  const known = graph.instances.flatMap(({ name, cube: named }) => {
    const cube = cubes.get(named)?.cube
    if (cube === undefined) return []
    const each = (what: string, names: readonly string[]) => names.map((one) => `${what} ${one}`)
    const reasons = [...each('drops', Object.keys(dropReasons(cube))), ...each('lost', rings(cube))]
    const slots = ['received', 'sent', ...reasons, ...each('punts', Object.keys(cube.punts ?? {}))]
    return [[mapPath(graph.name, name, MAP.counters), slots] as const]
  })
  return Object.fromEntries(known)
}

/** What the old counters say, which nobody counts in any more, and what was kept before. Undefined where they are gone already. */
export function keepCounts(
  machine: Machine,
  { path, from, slots }: OldCounters,
  before: CountedPorts = {},
): CountedPorts | undefined {
  if (machine.pinned(nextPath(path)).length === 0) return undefined
  using map = machine.openMap(path, from)
  const value = map?.lookup(new Uint8Array(from.key.size))
  if (value === undefined) return undefined
  const view = viewOf(value)
  const row = slots.length * counter.size
  const ports = value.length / row / rowsOf(machine.cpus)
  const kept: Record<string, Record<string, readonly [string, string]>> = {}
  for (let port = 0; port < ports; port++)
    for (const [slot, name] of slots.entries()) {
      const [first, second] = before[port]?.[name] ?? ['0', '0']
      let [packets, bytes] = [BigInt(first), BigInt(second)]
      for (let at = port * row + slot * counter.size; at < value.length; at += ports * row) {
        packets += view.getBigUint64(at, true)
        bytes += view.getBigUint64(at + 8, true)
      }
      if (packets === 0n) continue
      const counted = kept[port] ?? {}
      counted[name] = [String(packets), String(bytes)]
      kept[port] = counted
    }
  return kept
}

/**
 * What is counted at an instance's ports, as its record says what counts what: the cube may be another by now, or gone. Undefined
 * where the record says nothing.
 */
export function recordedCounters(
  machine: Machine,
  running: Running,
  path: string,
): ((row: number) => PortCounters) | undefined {
  const [slots, description] = [running.slots?.[path], recordedMap(running, path)]
  if (slots === undefined || description === undefined) return undefined
  using map = machine.openMap(path, description)
  const value = map?.lookup(new Uint8Array(description.key.size)) ?? new Uint8Array()
  const view = viewOf(value)
  const ofOneCpu = value.length / rowsOf(machine.cpus)
  const counted = (row: number, slot: number): Count => {
    const count = { packets: 0n, bytes: 0n }
    for (let at = (row * slots.length + slot) * counter.size; at < value.length; at += ofOneCpu) {
      count.packets += view.getBigUint64(at, true)
      count.bytes += view.getBigUint64(at + 8, true)
    }
    return count
  }
  return (row) => {
    const happened = (what: 'drops' | 'lost' | 'punts') =>
      Object.fromEntries(
        slots.flatMap((name, slot) => {
          const count = name.startsWith(`${what} `) ? counted(row, slot) : undefined
          return count === undefined || count.packets === 0n ? [] : [[name.slice(what.length + 1), count] as const]
        }),
      )
    return {
      received: counted(row, slots.indexOf('received')),
      sent: counted(row, slots.indexOf('sent')),
      drops: happened('drops'),
      lost: happened('lost'),
      punts: happened('punts'),
    }
  }
}

/** Of one port, together with what was kept. */
export function withCounted(counters: PortCounters, kept: CountedPorts[string] = {}): PortCounters {
  const more = (name: string, { packets, bytes }: Count): Count => {
    const [first, second] = kept[name] ?? ['0', '0']
    return { packets: packets + BigInt(first), bytes: bytes + BigInt(second) }
  }
  const each = (what: 'drops' | 'lost' | 'punts') => {
    const names = Object.keys(kept).flatMap((name) =>
      name.startsWith(`${what} `) ? [name.slice(what.length + 1)] : [],
    )
    const all = new Set([...Object.keys(counters[what]), ...names])
    const none = { packets: 0n, bytes: 0n }
    return Object.fromEntries([...all].map((name) => [name, more(`${what} ${name}`, counters[what][name] ?? none)]))
  }
  return {
    received: more('received', counters.received),
    sent: more('sent', counters.sent),
    drops: each('drops'),
    lost: each('lost'),
    punts: each('punts'),
  }
}
