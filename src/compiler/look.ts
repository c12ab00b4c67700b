/** What somebody wants to see of a graph that runs: plain data, which makes other programs of the same graph. */
import type { ClassicProgram } from '../filter/classic.ts'
import type { MapDescription } from '../isa/program.ts'
import type { Sight } from '../isa/trace.ts'
import { struct, u16, u32, u64 } from '../lang/index.ts'
import { traceEvent } from './trace.ts'
import { cellsMap } from './wiring.ts'

export type { Sight } from '../isa/trace.ts'

/** Programs are compiled with this only while somebody looks. */
export interface Look {
  /** All instances of the graph: records have their places here. */
  readonly instances: readonly string[]
  readonly points: readonly Point[]
  /** Of the packets at those points, which; as they are there. */
  readonly filter?: Filter | undefined
  /** Of each packet, at most so many bytes. */
  readonly snapshot: number
  /** The points are left alone: of packets that the filter lets in, all that happens to them is told. */
  readonly trace?: true | undefined
  /** Bytes of the ring that records wait in: a power of two. */
  readonly room: number
}

export interface Filter {
  /** What people wrote. */
  readonly text: string
  readonly program: ClassicProgram
}

export interface Point {
  readonly instance: string
  /** By its number. All rows of the instance's counters, where none is given. */
  readonly port?: number | undefined
  readonly sights: readonly Sight[]
}

/** Maps of programs that somebody looks at. No cube can have such names. */
export const LOOK_MAP = {
  records: '@look/look_records',
  lost: '@look/look_lost',
  events: '@look/look_events',
  /** Which packet it is that another program goes on with. */
  traced: '@look/look_traced',
} as const

export const isLookMap = (name: string): boolean => Object.values<string>(LOOK_MAP).includes(name)

/** A record, in host order; the packet lies behind it. */
export const lookRecord = struct('record', {
  /** As `now()` gives it. */
  time: u64,
  /** Its place among the instances. */
  instance: u16,
  /** The row of its counters, and the counter in the row: which tells what happened, and why. */
  port: u16,
  slot: u16,
  /** Of one that is traced: its number. */
  cpu: u16,
  /** The outer VLAN tag, protocol and control information; 0 without one. */
  tag: u32,
  /** Bytes of the packet without that tag, and how many of them are here. */
  length: u32,
  captured: u32,
  /** Payload of each packet that this one will be cut into, or 0. */
  segmentSize: u32,
})

/** What the events of a packet call it: two that come at once do so by different CPUs. Never 0. */
export const traceOf = (time: bigint, cpu: number): bigint => BigInt.asUintN(64, (time | 1n) ^ (BigInt(cpu) << 56n))

/** The most that a record has of a packet: more than the longest frame. */
export const LONGEST_SNAPSHOT = 65_568

const nothing = struct('key', {}).layout

export const lookMaps = ({ room, trace }: Look, cpus = 1): Readonly<Record<string, MapDescription>> => ({
  [LOOK_MAP.records]: { kind: 'ringbuf', key: nothing, value: lookRecord.layout, entries: room },
  ...(trace
    ? {
        [LOOK_MAP.events]: { kind: 'ringbuf', key: nothing, value: traceEvent.layout, entries: room },
        [LOOK_MAP.traced]: cellsMap(cpus),
      }
    : {}),
  [LOOK_MAP.lost]: {
    kind: 'percpu_array',
    key: struct('key', { index: u32 }).layout,
    value: struct('lost', { records: u64 }).layout,
    entries: 1,
  },
})
