/** Stitching is compiling: for each entry of a graph, the program of all that a packet meets from there. */
import { type DataPlaneSource, mapsOf } from '../compiler/compile.ts'
import { MAP } from '../compiler/wiring.ts'
import { type AttachPoint, hookAt, type MapDescription, type Program } from '../isa/program.ts'
import { type Graph, interfaceText } from './graph.ts'
import { linkPath, mapPath } from './paths.ts'
import { compileOnce } from './programs.ts'
import { capacityOf, type Numbering } from './records.ts'

/** A graph made concrete on this host: what shall be pinned where. Paths as a machine has them. */
export interface Wanted {
  readonly graph: string
  readonly maps: Readonly<Record<string, MapDescription>>
  /** All entries of those maps that only the engine writes. */
  readonly entries: Readonly<Record<string, readonly Entry[]>>
  readonly attachments: Readonly<Record<string, WantedAttachment>>
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array]

export interface WantedAttachment {
  readonly interface: string
  readonly point: AttachPoint
  readonly program: Program
  /** The paths of the maps that the program refers to, by the names it uses. */
  readonly maps: Readonly<Record<string, string>>
}

export interface StitchOptions {
  readonly graph: Graph
  readonly numbering: Numbering
  /** The data plane of each cube, by the name that the graph uses. */
  readonly sources: ReadonlyMap<string, DataPlaneSource>
  readonly ifindex: (name: string) => number
  /** Where all programs of the graph go. */
  readonly point: AttachPoint
  readonly clock: 'kernel' | 'cell'
}

export function stitch({ graph, numbering, sources, ifindex, point, clock }: StitchOptions): Wanted {
  const maps: Record<string, MapDescription> = {}
  const entries: Record<string, readonly Entry[]> = {}
  const attachments: Record<string, WantedAttachment> = {}
  const hook = hookAt(point)
  for (const instance of graph.instances) {
    const source = sources.get(instance.cube)
    const numbers = numbering[instance.name]
    if (source === undefined || numbers === undefined) continue
    const capacity = capacityOf(numbers)
    const described = Object.entries(mapsOf(source.cube, capacity, hook)).filter(
      ([name]) => name !== MAP.clock || clock === 'cell',
    )
    const paths = Object.fromEntries(described.map(([name]) => [name, mapPath(graph.name, instance.name, name)]))
    for (const [name, description] of described) maps[paths[name] ?? name] = description
    const linked = instance.ports.flatMap((port) =>
      port.link?.to === 'interface' ? [{ ...port, interface: interfaceText(port.link) }] : [],
    )
    const exits = linked.map((port) => ({
      port: numbers.ids[port.name] ?? 0,
      ifindex: ifindex(port.interface),
    }))
    const exitsPath = paths[MAP.exits]
    if (exitsPath !== undefined) entries[exitsPath] = exits.map(({ port, ifindex }) => [word(port), word(ifindex)])
    for (const port of linked) {
      const program = compileOnce(source, {
        name: `${instance.name}_${port.name}`,
        config: instance.config,
        port: port.config,
        hook,
        direction: point === 'tc egress' ? 'egress' : 'ingress',
        wiring: { port: numbers.ids[port.name] ?? 0, exits, capacity },
        clock,
      })
      const path = linkPath(graph.name, instance.name, port.name, point)
      attachments[path] = { interface: port.interface, point, program, maps: paths }
    }
  }
  return { graph: graph.name, maps, entries, attachments }
}

/** Nothing: what a graph is to become when it is deleted. */
export const nothing = (graph: string): Wanted => ({ graph, maps: {}, entries: {}, attachments: {} })

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
