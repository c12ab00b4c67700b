/** What the instances of a graph are of. */
import { dirname } from 'node:path'
import { Refusal } from '../../base/diagnostic.ts'
import { type DataPlaneSource, readDataPlane } from '../../compiler/compile.ts'
import type { Catalogue, CubeFolder } from '../../cube/catalogue.ts'
import type { Running } from './records.ts'

/** The versions of those that may change, by their names in a graph. */
export const versionsOf = (cubes: ReadonlyMap<string, CubeFolder>): Readonly<Record<string, string>> =>
  Object.fromEntries([...cubes].flatMap(([name, { version }]) => (version === undefined ? [] : [[name, version]])))

/** The cubes of a graph that is known already, found again: as they were when it was made, unless nobody knows that any more. */
export async function cubesOf({ graph, file, cubes }: Running, catalogue: Catalogue): Promise<Map<string, CubeFolder>> {
  const found = new Map<string, CubeFolder>()
  const asMeant = catalogue.as(cubes)
  for (const name of new Set(graph.instances.map(({ cube }) => cube)))
    found.set(name, await asMeant.find(name, dirname(file)))
  return found
}

/** The same for whoever only looks: of a cube that cannot be read, why. */
export async function cubesToShow(running: Running, catalogue: Catalogue): Promise<Map<string, CubeFolder | Refusal>> {
  const found = new Map<string, CubeFolder | Refusal>()
  const asMeant = catalogue.as(running.cubes)
  for (const name of new Set(running.graph.instances.map(({ cube }) => cube)))
    try {
      found.set(name, await asMeant.find(name, dirname(running.file)))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      found.set(name, error)
    }
  return found
}

/** The names of those that are others than the graph that runs was made of, if it was made of these versions. */
export function otherCubes(made: Running['cubes'], cubes: ReadonlyMap<string, CubeFolder>): readonly string[] {
  const versions = versionsOf(cubes)
  const before = Object.entries(made ?? {})
  return before.filter(([name, version]) => cubes.has(name) && versions[name] !== version).map(([name]) => name)
}

/** The same for whoever makes anything of them: a Refusal where they are others than the graph that runs was made of. */
export async function sameCubes(running: Running, catalogue: Catalogue): Promise<Map<string, CubeFolder>> {
  const cubes = await cubesOf(running, catalogue)
  const others = otherCubes(running.cubes, cubes)
  if (others.length === 0) return cubes
  const { name } = running.graph
  throw new Refusal(
    others.map((cube) => ({
      message: `files of the cube ${cube} have changed since the graph ${name} was made of them`,
      remedy: `${name} runs as it did; apply it with what is in them now, or put back what was`,
    })),
  )
}

const sources = new WeakMap<CubeFolder, Promise<DataPlaneSource>>()

/** The data plane of a cube: of one that may change, as it was when it was asked for first. */
export async function sourceOf(folder: CubeFolder): Promise<DataPlaneSource> {
  const known = sources.get(folder)
  if (known !== undefined) return await known
  const source = readDataPlane(folder.dataplane, folder.anew)
  if (folder.version !== undefined) sources.set(folder, source)
  try {
    return await source
  } catch (error) {
    sources.delete(folder)
    throw error
  }
}
