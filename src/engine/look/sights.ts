/** What somebody asks to see of a graph, by the names of its ports, and what programs tell of it. */
import {
  type Filter,
  LONGEST_SNAPSHOT,
  type Look,
  lookRecord,
  type Point,
  type Sight,
  traceOf,
} from '../../compiler/look.ts'
import { traceEvent } from '../../compiler/trace.ts'
import { dropReasons, ROW_OF, reasonOf, sightOf } from '../../compiler/wiring.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { SIGHTS, type TraceSite } from '../../isa/trace.ts'
import { decodeStruct } from '../../lang/codec.ts'
import { puntReasons } from '../../lang/index.ts'
import { type Graph, interfaceText } from '../graph/graph.ts'
import type { Numbering } from '../graph/numbering.ts'
import { findPort } from '../graph/ports.ts'

export interface LookRequest {
  /** Ports by their names or interfaces, interfaces with transparent cubes, or instances; all of the graph where there is none. */
  readonly where: readonly string[]
  /** All where there is none. */
  readonly sights?: readonly Sight[] | undefined
  readonly filter?: Filter | undefined
  /** Bytes of each packet, at most; all of it unless said. */
  readonly snapshot?: number | undefined
  /** All that happens to the packets that the filter lets in, instead of what happens at ports. */
  readonly trace?: boolean | undefined
}

/** Bytes of the ring: always as many, so that one that a killed process left behind fits. */
const ROOM = 1 << 22

/** A Refusal where a name is none of the graph's. */
export function lookOf(graph: Graph, numbering: Numbering, request: LookRequest): Look {
  const { where, sights = SIGHTS, filter, snapshot = LONGEST_SNAPSHOT, trace = false } = request
  const instances = graph.instances.map(({ name }) => name)
  const all = instances.map((instance): Point => ({ instance, sights }))
  const points = where.flatMap((text): Point[] => {
    if (instances.includes(text)) return [{ instance: text, sights }]
    const on = graph.interfaces.find((one) => interfaceText(one) === text)
    if (on !== undefined) return on.through.map((instance) => ({ instance, sights }))
    const { instance, port } = findPort(graph, text)
    return [{ instance, port: numbering[instance]?.ids[port] ?? 0, sights }]
  })
  return {
    instances,
    points: points.length === 0 ? all : points,
    filter,
    snapshot: Math.min(Math.max(1, snapshot), LONGEST_SNAPSHOT),
    room: ROOM,
    ...(trace ? { trace } : {}),
  }
}

/** Something that happened to a packet that is traced. */
export interface TraceEvent {
  /** The packet: as its sighting has it. */
  readonly trace: bigint
  readonly time: bigint
  /** Undefined: of a program that is not known. */
  readonly site: TraceSite | undefined
  readonly first: bigint
  readonly second: bigint
  /** Of a counter: the port's name. */
  readonly port: string
  /** Of a transparent cube's: the port or the interface that it is on. */
  readonly on: string | undefined
}

/** What records of programs say that are made so: there are many, so what is known of the graph is looked up once. */
export function traceEventReader(
  { graph, numbering }: { readonly graph: Graph; readonly numbering: Numbering },
  sites: ReadonlyMap<number, TraceSite>,
): (view: DataView, at: number) => TraceEvent {
  const known = new Map<string, { readonly on: string | undefined; readonly portOf: (number: number) => string }>()
  const lookUp = (name: string) => {
    const isTransparent = graph.instances.find((one) => one.name === name)?.ports.length === 0
    const ids = numbering[name]?.ids ?? {}
    const found = { on: placeOf(graph, name), portOf: (number: number) => portName(isTransparent, ids, number) }
    known.set(name, found)
    return found
  }
  return (view, at) => {
    const first = view.getBigUint64(at + AT.first, true)
    const site = sites.get(view.getUint32(at + AT.site, true))
    const instance = site?.kind === 'counted' ? (known.get(site.instance) ?? lookUp(site.instance)) : undefined
    return {
      trace: view.getBigUint64(at + AT.trace, true),
      time: view.getBigUint64(at + AT.time, true),
      site,
      first,
      second: view.getBigUint64(at + AT.second, true),
      port: instance?.portOf(Number(first)) ?? '',
      on: instance?.on,
    }
  }
}

const offsetOf = (name: keyof typeof traceEvent.fields): number =>
  traceEvent.layout.fields.find((field) => field.name === name)?.offset ?? 0
const AT = {
  trace: offsetOf('trace'),
  time: offsetOf('time'),
  first: offsetOf('first'),
  second: offsetOf('second'),
  site: offsetOf('site'),
} as const

function placeOf({ instances, interfaces }: Graph, transparent: string): string | undefined {
  const isThere = ({ through }: { readonly through: readonly string[] }): boolean => through.includes(transparent)
  const on = interfaces.find(isThere)
  if (on !== undefined) return interfaceText(on)
  const places = instances.flatMap(({ name, ports }) => ports.filter(isThere).map((port) => `${name}:${port.name}`))
  return places[0]
}

/** A packet at a port. */
export interface Sighting {
  /** As the machine's `now()` gives it. */
  readonly time: bigint
  /** Of one that is traced: what its events call it. */
  readonly trace: bigint
  readonly instance: string
  /** Of a transparent cube: `ingress` or `egress`. */
  readonly port: string
  readonly what: Sight
  /** Of a drop or a punt: the name of the reason, and what it says. */
  readonly reason: string | undefined
  readonly because: string | undefined
  /** The outer VLAN tag, which is not in the packet: protocol and control information; 0 without one. */
  readonly tag: number
  /** Without that tag. */
  readonly length: number
  readonly bytes: Uint8Array
  /** Payload of each packet that this one will be cut into, or 0. */
  readonly segmentSize: number
}

/** What a record says. */
export function sightingOf(
  record: Uint8Array,
  graph: Graph,
  numbering: Numbering,
  cubes: ReadonlyMap<string, CubeFolder>,
): Sighting {
  const {
    time,
    instance: place,
    port,
    slot,
    cpu,
    tag,
    length,
    captured,
    segmentSize,
  } = decodeStruct(lookRecord, record)
  const instance = graph.instances[place]
  const cube = cubes.get(instance?.cube ?? '')?.cube
  const reason = cube && reasonOf(cube, slot)
  return {
    time,
    trace: traceOf(time, cpu),
    instance: instance?.name ?? String(place),
    port: portName(instance?.ports.length === 0, numbering[instance?.name ?? '']?.ids ?? {}, port),
    what: (cube && sightOf(cube, slot)) ?? 'in',
    reason,
    because: cube && reason && meaning(cube, reason),
    tag,
    length,
    bytes: record.subarray(lookRecord.size, lookRecord.size + captured),
    segmentSize,
  }
}

const meaning = (cube: CubeFolder['cube'], reason: string): string | undefined =>
  dropReasons(cube)[reason] ?? puntReasons(cube.punts).find(({ name }) => name === reason)?.summary

function portName(isTransparent: boolean, ids: Readonly<Record<string, number>>, number: number): string {
  if (isTransparent) return number === ROW_OF.egress ? 'egress' : 'ingress'
  return Object.entries(ids).find(([, id]) => id === number)?.[0] ?? String(number)
}
