/** The graph: instances of cubes, their ports, and what the ports lead to. Plain data, as people write it. */
import { dirname } from 'node:path'
import type { Place } from '../base/diagnostic.ts'
import type { Catalogue, CubeFolder } from '../cube/catalogue.ts'
import type { Settings } from './settings.ts'

export interface Graph {
  readonly name: string
  readonly instances: readonly Instance[]
}

export interface Instance {
  readonly name: string
  /** As the file names it: `bridge`, or a folder. */
  readonly cube: string
  /** Complete: what the file left out has its default. */
  readonly config: Settings
  readonly ports: readonly Port[]
}

export interface Port {
  readonly name: string
  /** The interface that the port leads to. */
  readonly interface: string
  readonly config: Settings
}

/** A graph with the cubes it names, and where in its file each part is written. */
export interface GraphFile {
  readonly file: string
  readonly graph: Graph
  readonly cubes: ReadonlyMap<string, CubeFolder>
  /** Where a path such as `['instances', 'switch', 'ports', 'alice']` is written. */
  place(path: readonly (string | number)[]): Place | undefined
}

/** The cubes of a graph that is known already, found again. */
export async function cubesOf(graph: Graph, file: string, catalogue: Catalogue): Promise<Map<string, CubeFolder>> {
  const cubes = new Map<string, CubeFolder>()
  for (const { cube } of graph.instances) cubes.set(cube, await catalogue.find(cube, dirname(file)))
  return cubes
}
