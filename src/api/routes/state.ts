import { z } from 'zod'
import { route } from '../route.ts'
import { cursor, instanceParams, limit, tableParams } from '../schemas.ts'

const fields = z.array(z.object({ name: z.string(), type: z.string().describe('u16, mac, list of 4 u8, …') }))

export const table = z
  .object({
    name: z.string(),
    kind: z.string(),
    summary: z.string().optional(),
    entries: z.int().describe('as many fit; of a ring, bytes'),
    used: z.int().optional().describe('as many are there; none where nobody can tell'),
    listable: z.boolean().describe('its entries can be read'),
    writable: z.boolean().describe('its entries can be set and deleted'),
    perCpu: z.boolean().describe('each entry has a value for each CPU'),
    key: fields,
    value: fields,
    keySchema: z.record(z.string(), z.unknown()).describe('JSON Schema of `key`'),
    valueSchema: z.record(z.string(), z.unknown()).describe('JSON Schema of `value`'),
  })
  .meta({ id: 'Table' })

/** By the names of fields. Addresses are text, integers of 64 bits decimal text, smaller ones numbers. */
const record = z.record(z.string(), z.unknown())

export const entry = z
  .object({
    id: z.string().describe('its key as one text, as in paths: values in the order of fields, with commas'),
    key: record,
    value: z.union([record, z.array(record)]).describe('of a table with values per CPU, a list of them'),
  })
  .meta({ id: 'Entry' })

const key = z
  .string()
  .min(1)
  .max(4096)
  .describe('values in the order of fields, with commas: 10.0.0.1,80; a prefix ends in /24; or a JSON object')
const entryParams = z.object({ ...tableParams.shape, key })

export const listTables = route('listTables', {
  role: 'viewer',
  summary: 'The tables of an instance',
  params: instanceParams,
  output: z.array(table),
  errors: [404],
})

export const listEntries = route('listEntries', {
  role: 'viewer',
  summary: 'Entries of a table, in pieces',
  description: 'In the order of their keys, so that what is there all the time is in the pieces once.',
  params: tableParams,
  query: z.object({ limit: limit.default(1000), cursor: cursor.optional() }),
  output: z
    .object({ entries: z.array(entry), next: cursor.optional().describe('none where this was the last piece') })
    .meta({ id: 'Entries' }),
  errors: [404, 409],
})

export const flushTable = route('flushTable', {
  role: 'operator',
  summary: 'Delete all entries of a table',
  params: tableParams,
  output: z.object({ deleted: z.int() }).meta({ id: 'Flushed' }),
  errors: [404, 409],
})

export const getEntry = route('getEntry', {
  role: 'viewer',
  summary: 'An entry of a table',
  params: entryParams,
  output: entry,
  errors: [404, 409],
})

export const putEntry = route('putEntry', {
  role: 'operator',
  summary: 'Add or replace an entry',
  params: entryParams,
  body: record.meta({ id: 'EntryValue', description: 'Its value, by the names of fields.' }),
  output: entry,
  statuses: [200, 201],
  errors: [404, 409, 422, 507],
})

export const deleteEntry = route('deleteEntry', {
  role: 'operator',
  summary: 'Delete an entry',
  params: entryParams,
  output: entry,
  errors: [404, 409],
})
