/** Stitching is compiling: for each entry of a graph, the program of all that a packet meets from there. */
import { compile, type DataPlaneSource, mapsOf } from '../compiler/compile.ts'
import { MAP } from '../compiler/wiring.ts'
import type { MapDescription, Program } from '../isa/program.ts'
import type { Graph } from './graph.ts'
import { capacityOf, type Numbering } from './records.ts'

/** A graph made concrete on this host: what shall be pinned where. Paths as a machine has them. */
export interface Wanted {
  readonly graph: string
  readonly maps: Readonly<Record<string, MapDescription>>
  readonly attachments: Readonly<Record<string, WantedAttachment>>
}

export interface WantedAttachment {
  readonly interface: string
  readonly program: Program
  /** The paths of the maps that the program refers to, by the names it uses. */
  readonly maps: Readonly<Record<string, string>>
}

export const mapPath = (graph: string, instance: string, map: string): string => `${graph}/${instance}/maps/${map}`
export const linkPath = (graph: string, instance: string, port: string): string => `${graph}/${instance}/links/${port}`

export interface StitchOptions {
  readonly graph: Graph
  readonly numbering: Numbering
  /** The data plane of each cube, by the name that the graph uses. */
  readonly sources: ReadonlyMap<string, DataPlaneSource>
  readonly ifindex: (name: string) => number
  readonly clock: 'kernel' | 'cell'
}

export function stitch({ graph, numbering, sources, ifindex, clock }: StitchOptions): Wanted {
  const maps: Record<string, MapDescription> = {}
  const attachments: Record<string, WantedAttachment> = {}
  for (const instance of graph.instances) {
    const source = sources.get(instance.cube)
    const numbers = numbering[instance.name]
    if (source === undefined || numbers === undefined) continue
    const capacity = capacityOf(numbers)
    const described = Object.entries(mapsOf(source.cube, capacity)).filter(
      ([name]) => name !== MAP.clock || clock === 'cell',
    )
    const paths = Object.fromEntries(described.map(([name]) => [name, mapPath(graph.name, instance.name, name)]))
    for (const [name, description] of described) maps[paths[name] ?? name] = description
    const exits = instance.ports.map((port) => ({
      port: numbers.ids[port.name] ?? 0,
      ifindex: ifindex(port.interface),
    }))
    for (const port of instance.ports) {
      const program = compile(source, {
        name: `${instance.name}_${port.name}`,
        config: instance.config,
        port: port.config,
        wiring: { port: numbers.ids[port.name] ?? 0, exits, capacity },
        clock,
      })
      attachments[linkPath(graph.name, instance.name, port.name)] = { interface: port.interface, program, maps: paths }
    }
  }
  return { graph: graph.name, maps, attachments }
}

/** Nothing: what a graph is to become when it is deleted. */
export const nothing = (graph: string): Wanted => ({ graph, maps: {}, attachments: {} })
