/** The cubes that graphs can be made of. */
import { refuse } from '../../api/problem.ts'
import type { Output } from '../../api/routes.ts'
import { suggestion } from '../../base/suggest.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { type CubeDescription, describeCube } from '../cube-description.ts'
import type { Handlers } from './handlers.ts'
import type { Parts } from './parts.ts'
import { instanceIn, runningGraph } from './running.ts'

const summaryOf = ({ name, summary, shape, origin, folder, from }: CubeDescription): Output<'listCubes'>[number] => ({
  name,
  summary,
  shape,
  origin,
  folder,
  ...(from === undefined ? {} : { from }),
})

export function cubeHandlers(parts: Pick<Parts, 'catalogue' | 'cubes' | 'engine' | 'wanted'>) {
  const { catalogue, cubes } = parts
  const find = async (name: string): Promise<CubeFolder> => {
    const names = catalogue.names()
    if (!names.includes(name)) throw refuse(404, `there is no cube "${name}"`, suggestion(name, names))
    return catalogue.find(name, '/')
  }
  const shown = async (name: string, added?: ReadonlyMap<string, string>): Promise<CubeDescription> => {
    const from = (added ?? (await cubes.added())).get(name)
    const found = await find(name)
    return from === undefined ? describeCube(found, 'builtin') : { ...describeCube(found, 'added'), from }
  }
  return {
    listCubes: async () => {
      const added = await cubes.added()
      return (await Promise.all(catalogue.names().map((name) => shown(name, added)))).map(summaryOf)
    },
    getCube: ({ cube }) => shown(cube),
    getInstanceCube: async ({ graph, instance: name }) => {
      const { instance, folder } = instanceIn(await runningGraph(parts, graph), name)
      return catalogue.names().includes(instance.cube) ? shown(instance.cube) : describeCube(folder, 'folder')
    },
    addCube: async ({ body }, { created }) => {
      const name = await cubes.add(body)
      created()
      return shown(name)
    },
    upgradeCube: async ({ cube, body }) => {
      await find(cube)
      await cubes.upgrade(cube, body)
      return shown(cube)
    },
    removeCube: async ({ cube }) => {
      const summary = summaryOf(await shown(cube))
      if (summary.origin === 'builtin') throw refuse(409, `the cube ${cube} comes with Tessera, and stays`)
      await cubes.remove(cube)
      return summary
    },
  } satisfies Partial<Handlers>
}
