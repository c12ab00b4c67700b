/** The cubes that graphs can be made of. */
import { dirname } from 'node:path'
import { z } from 'zod'
import { refuse } from '../../api/problem.ts'
import type { Output } from '../../api/routes.ts'
import { suggestion } from '../../base/suggest.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { puntReasons } from '../../lang/index.ts'
import type { Handlers } from './handlers.ts'
import type { Parts } from './parts.ts'

export function cubeHandlers({ catalogue, cubes }: Pick<Parts, 'catalogue' | 'cubes'>) {
  const find = async (name: string): Promise<CubeFolder> => {
    const names = catalogue.names()
    if (!names.includes(name)) throw refuse(404, `there is no cube "${name}"`, suggestion(name, names))
    return catalogue.find(name, '/')
  }
  const summaryOf = async (name: string): Promise<Output<'listCubes'>[number]> => {
    const { cube, dataplane } = await find(name)
    const origin = (await cubes.added()).has(name) ? 'added' : 'builtin'
    return { name, summary: cube.summary, shape: cube.shape, origin, folder: dirname(dataplane) }
  }
  const shown = async (name: string): Promise<Output<'getCube'>> => {
    const { cube, control } = await find(name)
    return {
      ...(await summaryOf(name)),
      config: schemaOf(cube.config),
      ports: schemaOf(cube.ports),
      tables: Object.entries(cube.state).map(([name, { kind, summary, entries, writable }]) => ({
        name,
        kind,
        ...(summary === undefined ? {} : { summary }),
        entries,
        writable: writable === true,
      })),
      drops: { ...cube.drops },
      punts: Object.fromEntries(puntReasons(cube.punts).map(({ name, summary }) => [name, summary])),
      views: Object.keys(control.views),
    }
  }
  return {
    listCubes: () => Promise.all(catalogue.names().map(summaryOf)),
    getCube: ({ cube }) => shown(cube),
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
      const summary = await summaryOf(cube)
      if (summary.origin === 'builtin') throw refuse(409, `the cube ${cube} comes with Tessera, and stays`)
      await cubes.remove(cube)
      return summary
    },
  } satisfies Partial<Handlers>
}

const schemaOf = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>
