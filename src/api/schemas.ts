/** What several routes have in common. */
import { z } from 'zod'
import { NAME, NAME_RULE } from '../cube/document.ts'

export const name = z.string().regex(NAME, { error: ({ input }) => `"${input}" is no name: ${NAME_RULE}` })
export const tableName = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,30}$/, 'letters, digits and underscores, starting with a letter, at most 31')

/** `switch.alice` */
export const portEnd = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}\.[a-z][a-z0-9-]{0,30}$/, 'a port, as instance.port')
  .describe('a port, as instance.port')

/** 64 bits are more than numbers of JSON are sure to hold. */
export const integer64 = z
  .string()
  .regex(/^\d{1,20}$/)
  .describe('a decimal number of up to 64 bits')

export const time = z.iso.datetime().describe('when, in UTC')

/** Grows with each change of a graph; to be given back as it is. */
export const revision = z.string().min(1).max(64).describe('the revision, as in ETag and If-Match')

export const count = z.object({ packets: integer64, bytes: integer64 }).meta({ id: 'Count' })
export const counts = z.record(z.string(), count)

export const dryRun = z
  .boolean()
  .default(false)
  .describe('answer what would be done, and what it would be refused with; change nothing')

/** Of a list in pieces. */
export const limit = z.int().min(1).max(100_000).describe('as many at most')
export const cursor = z.string().max(2048).describe('`next` of the piece before')

export const graphParams = z.object({ graph: name })
export const instanceParams = z.object({ graph: name, instance: name })
export const portParams = z.object({ graph: name, instance: name, port: name })
export const tableParams = z.object({ graph: name, instance: name, table: tableName })

/** A schema of JSON (draft 2020-12), as data. */
export const jsonSchema = z.record(z.string(), z.unknown()).meta({ id: 'JsonSchema' })
