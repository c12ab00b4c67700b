import { parse } from 'yaml'
import type { Client } from '../../api/client.ts'
import type { Output as Answer } from '../../api/routes.ts'
import type { GetOptions, Options } from '../commands/state.ts'
import { type Found, findInstance } from '../instance.ts'
import { LISTERS } from '../listing.ts'
import { printData } from '../output.ts'
import { daemonOf, type ReachOptions } from '../reach.ts'
import { printRows, type Rows, rowsOf } from '../rows.ts'
import { patchOf, type Setting, settingOf, shown } from '../settings.ts'

type Entry = Answer<'getEntry'>

/** Of entries, in one request. */
const PIECE = 10_000

export async function list(words: string | undefined, { output, ...reach }: Options): Promise<void> {
  using client = daemonOf(reach)
  const found = words === undefined ? undefined : await findInstance(client, words, undefined)
  await printRows(await LISTERS.tables(client, found === undefined ? [] : [found.graph, found.instance]), output)
}

export async function get(
  words: string,
  table: string,
  key: string | undefined,
  { output, limit, ...reach }: GetOptions,
): Promise<void> {
  using client = daemonOf(reach)
  const where = { ...(await findInstance(client, words, undefined)), table }
  const { entries, more } = key === undefined ? await some(client, where, limit) : await one(client, where, key)
  if (key !== undefined && output.as !== 'table' && output.as !== 'wide') return printData(entries[0], output)
  await printRows(entryRows(entries, table), output)
  if (more) process.stderr.write(`there are more: --limit ${limit} was reached\n`)
}

type Where = Found & { readonly table: string }

const one = async (client: Client, where: Where, key: string) => ({
  entries: [(await client.getEntry({ ...where, key })).body],
  more: false,
})

/** Piece by piece, so that no answer is too long. */
async function some(client: Client, where: Where, most = Number.POSITIVE_INFINITY) {
  const entries: Entry[] = []
  let cursor: string | undefined
  do {
    const limit = Math.min(PIECE, most - entries.length)
    const { body } = await client.listEntries({ ...where, limit, ...(cursor === undefined ? {} : { cursor }) })
    entries.push(...body.entries)
    cursor = body.next
  } while (cursor !== undefined && entries.length < most)
  return { entries, more: cursor !== undefined }
}

/** A column for each field, first those of the key. Values per CPU are a row for each. */
function entryRows(entries: readonly Entry[], table: string): Rows {
  const [first] = entries
  const values = (value: Entry['value']) => (Array.isArray(value) ? value : [value])
  const isPerCpu = Array.isArray(first?.value)
  const rows = entries.flatMap(({ key, value }) => values(value).map((one, cpu) => ({ key, value: one, cpu })))
  const columns = [
    ...Object.keys(first?.key ?? {}).map((name) => ({
      head: name,
      cell: ({ key }: (typeof rows)[number]) => cellOf(key[name]),
    })),
    ...(isPerCpu ? [{ head: 'cpu', cell: ({ cpu }: (typeof rows)[number]) => cpu }] : []),
    ...Object.keys(values(first?.value ?? {})[0] ?? {}).map((name) => ({
      head: name,
      cell: ({ value }: (typeof rows)[number]) => cellOf(value[name]),
    })),
  ]
  return { ...rowsOf(rows, `${table} has no entry`, columns), data: entries }
}

const cellOf = (value: unknown): string | number | bigint => {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : shown(value)
}

export async function set(
  words: string,
  table: string,
  key: string,
  fields: readonly string[],
  reach: ReachOptions,
): Promise<void> {
  const settings = fields.reduce<readonly Setting[]>((before, field) => settingOf(field, before), [])
  const body = patchOf(settings.map(({ path, text }) => ({ path, value: typed(text) })))
  using client = daemonOf(reach)
  const where = await findInstance(client, words, undefined)
  const { status, body: entry } = await client.putEntry({ ...where, table, key, body })
  const text = Object.entries(entry.value).map(([name, value]) => `${name}=${shown(value)}`)
  console.log(
    `${where.graph}/${where.instance}: ${table} ${entry.id} is ${status === 201 ? 'there' : 'now'}: ${text.join(' ')}`,
  )
}

/** Numbers are numbers, but for those that JSON might not keep; addresses and the like are text. */
function typed(text: string): unknown {
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : text
  return /^(true|false|[[{].*)$/.test(text) ? (parse(text) as unknown) : text
}

export async function remove(words: string, table: string, key: string, reach: ReachOptions): Promise<void> {
  using client = daemonOf(reach)
  const where = await findInstance(client, words, undefined)
  const { body } = await client.deleteEntry({ ...where, table, key })
  console.log(`${where.graph}/${where.instance}: ${table} ${body.id} is gone`)
}

export async function flush(words: string, table: string, reach: ReachOptions): Promise<void> {
  using client = daemonOf(reach)
  const where = await findInstance(client, words, undefined)
  const { deleted } = (await client.flushTable({ ...where, table })).body
  console.log(
    `${where.graph}/${where.instance}: ${table} is empty, ${deleted} ${deleted === 1 ? 'entry' : 'entries'} deleted`,
  )
}
