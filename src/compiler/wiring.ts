/** Where a data plane's verdicts lead, and what counts them: what the engine tells the compiler about the graph. */
import { viewOf } from '../base/bytes.ts'
import type { Struct } from '../isa/layout.ts'
import type { MapDescription } from '../isa/program.ts'
import { ENGINE_DROPS } from '../lang/engine-names.ts'
import { puntReasons, type StructType, struct, u32, u64 } from '../lang/index.ts'
import type { Way } from './assembly.ts'
import type { Cube } from './cube.ts'
import type { Sight } from './look.ts'
import type { Open } from './wired.ts'

export { MAP } from '../lang/engine-names.ts'

export interface Wiring {
  /** The port that the program's packets come in by. */
  readonly port: number
  /** The interface behind every port of the instance, the one above included. */
  readonly exits: readonly { readonly port: number; readonly ifindex: number }[]
  /** Ports that the counters have room for. */
  readonly capacity: number
}

/** The same of a node of a program. Its numbers may be left open. */
export interface NodeWiring<N = Open> {
  readonly port: N
  /** Of what passes a transparent cube. */
  readonly direction?: 'ingress' | 'egress' | undefined
  /** In the order of their ports, its own last. */
  readonly ways: readonly Way<N>[]
  readonly capacity: number
}

/** All drop reasons of a cube, in the order of their counters. */
export const dropReasons = (cube: Cube): Readonly<Record<string, string>> => countingOf(cube).drops

/** Counters of one port lie together: received, sent, drops for each reason, lost events of each ring, punts for each reason. */
export const SLOT = { received: 0, sent: 1, firstDrop: 2 } as const
export const slotsPerPort = (cube: Cube): number => countingOf(cube).slots

/** Rings whose events may be lost, each with a counter behind those of drops. */
export const rings = (cube: Cube): readonly string[] => countingOf(cube).rings
const firstLost = (cube: Cube): number => countingOf(cube).firstLost
export const lostSlot = (cube: Cube, ring: string): number => firstLost(cube) + rings(cube).indexOf(ring)
export const puntSlot = (cube: Cube, reason: number): number => countingOf(cube).firstPunt + reason

/** What of a cube is counted, and where. */
interface Counting {
  readonly drops: Readonly<Record<string, string>>
  readonly rings: readonly string[]
  readonly firstLost: number
  readonly firstPunt: number
  readonly slots: number
}

/** Found out once: whoever reads the counters of many ports asks for each of them. */
const countings = new WeakMap<Cube, Counting>()

function countingOf(cube: Cube): Counting {
  const known = countings.get(cube)
  if (known !== undefined) return known
  const { state, punts } = cube
  const drops = { ...cube.drops, ...ENGINE_DROPS }
  const rings = Object.keys(state).filter((name) => ['ringbuf', 'packet_ringbuf'].includes(state[name]?.kind ?? ''))
  const firstLost = SLOT.firstDrop + Object.keys(drops).length
  const firstPunt = firstLost + rings.length
  const counting = { drops, rings, firstLost, firstPunt, slots: firstPunt + puntReasons(punts).length }
  countings.set(cube, counting)
  return counting
}

/** What somebody sees who looks at the counter: nothing of events that found no room. */
export function sightOf(cube: Cube, slot: number): Sight | undefined {
  if (slot === SLOT.received) return 'in'
  if (slot === SLOT.sent) return 'out'
  if (slot < firstLost(cube)) return 'drop'
  return slot >= puntSlot(cube, 0) ? 'punt' : undefined
}

/** Why, of a drop or a punt. */
export function reasonOf(cube: Cube, slot: number): string | undefined {
  const punt = puntReasons(cube.punts)[slot - puntSlot(cube, 0)]
  return punt?.name ?? Object.keys(dropReasons(cube))[slot - SLOT.firstDrop]
}

/** Where a transparent cube, which has no ports, counts. */
export const ROW_OF = { ingress: 0, egress: 1 } as const

export const counter = struct('counter', { packets: u64, bytes: u64 })

const index = struct('key', { index: u32 }).layout

/** A mask finds one of them. */
export const rowsOf = (count: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, count)))

/** More of them than a list in a table has. */
function many({ layout }: StructType, name: string, length: number): Struct {
  const [size, align] = [layout.size * length, layout.align]
  const all = { name: 'all', offset: 0, layout: { kind: 'list', element: layout, length, size, align } } as const
  return { kind: 'struct', name, size, align, fields: [all] }
}

/** The counters of an instance: of each CPU, and in them of each port. */
export const countersMap = (cube: Cube, capacity: number, cpus = 1): MapDescription => ({
  kind: 'array',
  key: index,
  value: many(counter, 'counters', rowsOf(cpus) * rowsOf(capacity) * slotsPerPort(cube)),
  entries: 1,
})

/** What the CPUs have counted together in one slot of a port. `value`: that of {@link countersMap}. */
export function countsIn(
  value: Uint8Array,
  { cube, capacity }: { readonly cube: Cube; readonly capacity: number },
): (port: number, slot: number) => { readonly packets: bigint; readonly bytes: bigint } {
  const slots = slotsPerPort(cube)
  const all = rowsOf(capacity) * slots * counter.size
  const view = viewOf(value)
  return (port, slot) => {
    let [packets, bytes] = [0n, 0n]
    for (let at = (port * slots + slot) * counter.size; at < value.length; at += all) {
      packets += view.getBigUint64(at, true)
      bytes += view.getBigUint64(at + 8, true)
    }
    return { packets, bytes }
  }
}

/** Instead of the kernel's clock, where tests want to move time: one cell of nanoseconds. */
export const clockMap: MapDescription = {
  kind: 'array',
  key: index,
  value: struct('clock', { nanoseconds: u64 }).layout,
  entries: 1,
}

/** Where the ports of an instance lead, for programs of the XDP hook: each port's number gives its interface's. */
export const exitsMap = (capacity: number): MapDescription => ({
  kind: 'devmap',
  key: index,
  value: struct('exit', { ifindex: u32 }).layout,
  entries: capacity,
})

/** A number for each CPU: see lower/cell.ts. */
export const cellsMap = (cpus = 1): MapDescription => ({
  kind: 'array',
  key: index,
  value: many(struct('cell', { value: u64 }), 'cells', rowsOf(cpus)),
  entries: 1,
})

/** Programs that others go over to. */
export const programsMap = (slots: number): MapDescription => ({
  kind: 'prog_array',
  key: index,
  value: struct('program', { id: u32 }).layout,
  entries: slots,
})
