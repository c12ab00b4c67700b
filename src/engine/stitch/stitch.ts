/** Stitching is compiling: for each entry of a graph, the program of all that a packet meets from there. */
import { PROGRAMS } from '../../compiler/assembly.ts'
import { mapsOf } from '../../compiler/compile.ts'
import { lookMaps } from '../../compiler/look.ts'
import { COPIES } from '../../compiler/lower/copies.ts'
import { cellsMap, clockMap, MAP, programsMap } from '../../compiler/wiring.ts'
import { type AttachPoint, hookAt, type MapDescription, type Program } from '../../isa/program.ts'
import { describe, puntsMap } from '../../lang/index.ts'
import type { Graph } from '../graph/graph.ts'
import { type GraphEntry, type Topology, topology } from '../graph/nodes.ts'
import { capacityOf } from '../graph/numbering.ts'
import { arrayPath, clockPath, copiesLeftPath, linkPath, lookPath, mapPath } from '../graph/paths.ts'
import { sized } from '../graph/sized.ts'
import { type AssemblyOptions, assembleTopology, type GraphPrograms } from './assemblies.ts'
import type { Beginning, Placed } from './beginning.ts'
import { AT_DEVICE, copiesAt, copiesPath, dispatcher } from './copies.ts'
import { gateTopology } from './gate-topology.ts'
import { deviceOf } from './own-links.ts'
import type { Owner } from './owner.ts'
import { type Met, partOf, type Structure } from './structure.ts'

/** A graph made concrete on this host: what shall be pinned where. Paths as a machine has them. */
export interface Wanted {
  readonly graph: string
  readonly maps: Readonly<Record<string, MapDescription>>
  /** All entries of those maps that only the engine writes. */
  readonly entries: Readonly<Record<string, readonly Entry[]>>
  /** Arrays of programs, with all programs in them. */
  readonly slots: Readonly<Record<string, readonly WantedSlot[]>>
  readonly attachments: Readonly<Record<string, WantedAttachment>>
  /** Of a graph with an array of programs. */
  readonly met?: Met | undefined
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** A program, with the paths of the maps that it refers to, by the names it uses. */
export interface WantedProgram {
  readonly program: Program
  readonly maps: Readonly<Record<string, string>>
  readonly owner: Owner
}

export interface WantedAttachment extends WantedProgram {
  readonly interface: string
  /** Of the interface: it may get another name. */
  readonly index: number
  readonly point: AttachPoint
  /** Others of the graph mark what they send past it (compiler/marked.ts). */
  readonly passesMarked?: true
}

/** What begins with a graph while it is stitched. */
export type Begin = Pick<Beginning, 'attach' | 'expect'>

/** A program that others go over to. */
export interface WantedSlot extends WantedProgram {
  readonly slot: number
}

/** `begin` hears of interfaces, and of programs as they are made: of most that will be wanted, and perhaps of some that will not. */
export function stitch(options: AssemblyOptions, begin?: Begin): Wanted {
  const { graph, numbering, sources, facts, point, clock, cpus, look, generation } = options
  const maps: Record<string, MapDescription> = {}
  const entries: Record<string, readonly Entry[]> = {}
  /** By the names that programs have for them. */
  const paths: Record<string, string> = {}
  const add = (name: string, path: string, description: MapDescription): void => {
    paths[name] = path
    maps[path] = description
  }
  /** Instances of one cube have maps that are described by the same objects. */
  const described = new Map<string, Readonly<Record<string, MapDescription>>>()
  for (const { name: instance, cube, ports, queue, entries: given } of graph.instances) {
    const source = sources.get(cube)
    const numbers = numbering[instance]
    if (source === undefined || numbers === undefined) continue
    const capacity = capacityOf(numbers)
    const key = JSON.stringify([capacity, cube, given])
    const own = described.get(key) ?? mapsOf(sized(source.cube, given), capacity, hookAt(point), cpus)
    described.set(key, own)
    for (const [name, description] of Object.entries(own)) {
      const path = mapPath(graph.name, instance, name)
      if (name !== MAP.clock) add(`${instance}/${name}`, path, name === MAP.punts ? puntsMap(queue) : description)
      if (name === MAP.exits)
        entries[path] = ports.flatMap(({ name, link }) =>
          link?.to === 'interface' && facts(link).index !== 0
            ? [[word(numbers.ids[name] ?? 0), word(facts(link).index)] as const]
            : [],
        )
    }
  }
  if (clock === 'cell') add(MAP.clock, clockPath(graph.name), clockMap)
  for (const [name, description] of Object.entries(look === undefined ? {} : lookMaps(look, cpus)))
    add(name, lookPath(graph.name, name), description)
  const met = topology(graph, point)
  for (const entry of begin === undefined ? [] : met.entries) begin?.attach(facts(entry.on).name, entry.point)
  const sizes = sizesOf(graph, sources)
  paths[PROGRAMS] = arrayPath(graph.name)
  paths[COPIES] = copiesLeftPath(graph.name)
  const placed = new Map<Program, Placed>()
  const place = (program: Program): Placed => {
    const one = placed.get(program) ?? { program: withSizes(program, sizes), maps: pathsFor(program, paths) }
    placed.set(program, one)
    return one
  }
  const made = begin && ((program: Program) => begin.expect(place(program)))
  const programs = assembleTopology({ ...options, made, copied: copiedByGate(options, met) }, met)
  const slots: Record<string, readonly WantedSlot[]> = {}
  const hasCopies = programs.copies.size > 0
  if (hasCopies) add(COPIES, copiesLeftPath(graph.name), cellsMap(cpus))
  if (programs.slots.size > 0) {
    const path = arrayPath(graph.name)
    add(PROGRAMS, path, programsMap(programs.size))
    slots[path] = [...programs.slots].map(([slot, { program, owner }]) => ({
      slot,
      owner,
      ...place(program),
    }))
  }
  const pathOf = ({ instance, port, point }: GraphEntry): string => linkPath(graph.name, instance, port, point)
  const attachments = programs.entries.map(
    ({ entry, program, owner, passesMarked }): readonly [string, WantedAttachment] => [
      pathOf(entry),
      {
        interface: facts(entry.on).name,
        index: facts(entry.on).index,
        point: entry.point,
        ...(passesMarked ? { passesMarked } : {}),
        owner,
        ...place(program),
      },
    ],
  )
  if (hasCopies) {
    const program = dispatcher(programs.size, generation)
    const device = deviceOf(graph.name, options.tessera)
    const owner: Owner = { path: ['graph'], name: `the program for copies of packets, at ${device}` }
    const { index } = facts({ interface: device })
    const at = { interface: device, index, point: AT_DEVICE, owner } as const
    // It is there before anybody sends copies to it.
    attachments.unshift([copiesPath(graph.name, generation), { ...at, program, maps: pathsFor(program, paths) }])
  }
  const structure = programs.slots.size > 0 ? structureOf(programs, pathOf) : undefined
  return {
    graph: graph.name,
    maps,
    entries,
    slots,
    attachments: Object.fromEntries(attachments),
    ...(structure === undefined ? {} : { met: { structure, hook: hookAt(point), topology: met } }),
  }
}

/** Slots for copies that come of what control planes send: they may be flooded where nothing else is. */
function copiedByGate(options: AssemblyOptions, { nodes }: Topology): Iterable<number> {
  const { point, sources, active } = options
  const mayCopy = [...nodes.values()].some((node) => {
    const source = sources.get(node.instance.cube)
    return source !== undefined && copiesAt(node, source)
  })
  if (!mayCopy || active === undefined || active.size === 0 || hookAt(point) !== 'tc') return []
  return assembleTopology({ ...options, point: 'tc ingress' }, gateTopology(options), 'others').copies
}

function structureOf(
  { entries, slots, numbers, sides }: GraphPrograms,
  pathOf: (entry: GraphEntry) => string,
): Structure {
  const keyed = [
    ...entries.map((one) => [pathOf(one.entry), one] as const),
    ...[...slots].map(([slot, one]) => [`${slot}`, one] as const),
  ]
  const programs = keyed.map(([key, one]) => [key, partOf(one, numbers)])
  return {
    sides,
    numbers: Object.fromEntries(numbers),
    programs: Object.fromEntries(programs) as Structure['programs'],
  }
}

/** Rings and tables whose instances say how large they are, by the names that programs have for them. */
export const sizesOf = (
  { instances }: Graph,
  sources: AssemblyOptions['sources'],
): ReadonlyMap<string, MapDescription> =>
  new Map(
    instances.flatMap(({ name, cube, queue, entries = {} }) => {
      const { state = {} } = sized(sources.get(cube)?.cube ?? { state: {} }, entries)
      return [
        ...(queue === undefined ? [] : [[`${name}/${MAP.punts}`, puntsMap(queue)] as const]),
        ...Object.entries(state).flatMap(([table, one]) =>
          Object.hasOwn(entries, table) ? [[`${name}/${table}`, describe(one)] as const] : [],
        ),
      ]
    }),
  )

/** A program whose rings and tables are as large as its instances want them: to what it does, that makes no difference. */
export function withSizes(program: Program, sizes: ReadonlyMap<string, MapDescription>): Program {
  const own = Object.keys(program.maps).flatMap((map) => {
    const description = sizes.get(map)
    return description === undefined ? [] : [[map, description] as const]
  })
  return own.length === 0 ? program : { ...program, maps: { ...program.maps, ...Object.fromEntries(own) } }
}

/** Nothing: what a graph is to become when it is deleted. */
export const nothing = (graph: string): Wanted => ({ graph, maps: {}, entries: {}, slots: {}, attachments: {} })

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

const pathsFor = ({ maps }: Program, paths: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.keys(maps).map((name) => [name, paths[name] ?? name]))
