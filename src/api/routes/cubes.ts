import { z } from 'zod'
import { route } from '../route.ts'
import { jsonSchema, name } from '../schemas.ts'

const summary = {
  name,
  summary: z.string(),
  shape: z.enum(['standard', 'transparent']),
  origin: z.enum(['builtin', 'added', 'folder']).describe('folder: of a graph that names it, and of no other'),
  folder: z.string().describe('where the files are of which it is made: of one that was added, a copy'),
  from: z.string().optional().describe('of one that was added: the folder that was copied'),
}

export const cube = z
  .object({
    ...summary,
    config: jsonSchema.describe('what an instance may be configured with'),
    ports: jsonSchema.describe('what a port may be configured with, besides what it leads to'),
    tables: z.array(
      z.object({
        name: z.string(),
        kind: z.string(),
        summary: z.string().optional(),
        entries: z.int(),
        writable: z.boolean(),
      }),
    ),
    drops: z.record(z.string(), z.string()).describe('why it drops packets'),
    punts: z.record(z.string(), z.string()).describe('why it leaves packets to its control plane'),
    views: z.array(z.string()),
  })
  .meta({ id: 'Cube' })

const folder = z
  .strictObject({ path: z.string().startsWith('/', 'a whole path, from / on').max(4096) })
  .meta({ id: 'CubeFolder', description: 'A folder with schema.ts, dataplane.ts and control.ts.' })

export const listCubes = route('listCubes', {
  role: 'viewer',
  summary: 'The cubes that graphs can be made of',
  output: z.array(z.object(summary).meta({ id: 'CubeSummary' })),
})

export const getCube = route('getCube', {
  role: 'viewer',
  summary: 'A cube, with the schemas of its configuration',
  params: z.object({ cube: name }),
  output: cube,
  errors: [404],
})

export const addCube = route('addCube', {
  role: 'admin',
  summary: 'Check, compile, test and register a cube',
  body: folder,
  output: cube,
  statuses: [201],
  errors: [409, 422],
})

export const upgradeCube = route('upgradeCube', {
  role: 'admin',
  summary: 'Put a new version in the place of a cube: its instances go over to it, and keep their state',
  params: z.object({ cube: name }),
  body: folder,
  output: cube,
  errors: [404, 409, 422],
})

export const removeCube = route('removeCube', {
  role: 'admin',
  summary: 'Forget about a cube that was added, and of which no graph has instances',
  params: z.object({ cube: name }),
  output: z.object(summary),
  errors: [404, 409],
})
