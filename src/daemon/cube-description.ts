/** What a cube is, as data: what the API answers, and `tessera cube docs` prints. */
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Output } from '../api/routes.ts'
import type { CubeFolder } from '../cube/catalogue.ts'
import { puntReasons } from '../lang/index.ts'

export type CubeDescription = Output<'getCube'>

export function describeCube(
  { cube, control, dataplane }: CubeFolder,
  origin: CubeDescription['origin'],
): CubeDescription {
  const { name, summary, shape, config, ports, state, drops, punts } = cube
  return {
    name,
    summary,
    shape,
    origin,
    folder: dirname(dataplane),
    config: schemaOf(config),
    ports: schemaOf(ports),
    tables: Object.entries(state).map(([name, { kind, summary, entries, writable = false }]) => ({
      name,
      kind,
      ...(summary === undefined ? {} : { summary }),
      entries,
      writable,
    })),
    drops,
    punts: Object.fromEntries(puntReasons(punts).map(({ name, summary }) => [name, summary])),
    views: Object.keys(control.views),
  }
}

/** As people write it, before defaults. */
const schemaOf = (schema: z.ZodType): Readonly<Record<string, unknown>> =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>
