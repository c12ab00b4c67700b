/** What the instances of a graph are of. */
import { dirname } from 'node:path'
import type { Catalogue, CubeFolder } from '../cube/catalogue.ts'
import type { Graph } from './graph.ts'

/** The cubes of a graph that is known already, found again. */
export async function cubesOf(graph: Graph, file: string, catalogue: Catalogue): Promise<Map<string, CubeFolder>> {
  const cubes = new Map<string, CubeFolder>()
  for (const cube of new Set(graph.instances.map(({ cube }) => cube)))
    cubes.set(cube, await catalogue.find(cube, dirname(file)))
  return cubes
}
