/** A table of an instance that runs, as entries of JSON. */
import { z } from 'zod'
import { ProblemError, pointerOf, problem, refuse } from '../../api/problem.ts'
import type { Output } from '../../api/routes.ts'
import type { MachineMap } from '../../backend/machine.ts'
import { alignUp, toHex, viewOf } from '../../base/bytes.ts'
import { Refusal } from '../../base/diagnostic.ts'
import { parseJson } from '../../base/json.ts'
import {
  describeFields,
  fieldsOfText,
  fieldsSchema,
  isPrefixed,
  type JsonFields,
  keySchema,
  keyText,
  toJson,
} from '../../cube/fields.ts'
import { issuesOf } from '../../cube/issues.ts'
import { isKeyless, isLru, isPerCpu, type MapKind } from '../../isa/program.ts'
import { decodeStruct, encodeStruct } from '../../lang/codec.ts'
import { type ControlOf, type Fields, mapKind, swapped, type Table } from '../../lang/index.ts'
import { decodePrefix, encodePrefix } from '../../lang/prefix.ts'
import type { Listings } from './listings.ts'

type Entry = Output<'getEntry'>
type Entries = Output<'listEntries'>

/** Of what is in the map, whatever it is wrapped into. */
const kindOf = ({ kind }: Table): MapKind => {
  const inner = swapped(kind)
  return inner === undefined ? mapKind(kind) : inner
}

const isIndexed = (kind: MapKind): boolean => kind === 'array' || kind === 'percpu_array'
const isListable = (table: Table): boolean => !isKeyless(kindOf(table))

/** What there is to say of a table. `count` walks its entries; undefined: it is not there. */
export function describeTable(
  name: string,
  table: Table,
  count: () => number | undefined,
): Output<'listTables'>[number] {
  const kind = kindOf(table)
  const listable = isListable(table)
  const used = isIndexed(kind) ? table.entries : listable ? count() : undefined
  return {
    name,
    kind: table.kind,
    ...(table.summary === undefined ? {} : { summary: table.summary }),
    entries: table.entries,
    ...(used === undefined ? {} : { used }),
    listable,
    writable: listable && table.writable === true,
    perCpu: isPerCpu(kind),
    key: describeFields(table.key),
    value: describeFields(table.value),
    keySchema: z.toJSONSchema(keySchema(table), { io: 'input' }),
    valueSchema: z.toJSONSchema(fieldsSchema(table.value.fields), { io: 'input' }),
  }
}

export class JsonTable {
  private readonly name: string
  private readonly table: Table
  private readonly map: MachineMap
  private readonly kind: MapKind

  constructor(name: string, table: Table, map: MachineMap) {
    this.name = name
    this.table = table
    this.map = map
    this.kind = kindOf(table)
    if (!isListable(table))
      throw refuse(409, `nobody can list what is in ${name}: it is a ${table.kind.replaceAll('_', ' ')}`)
  }

  /** In the order of their keys, from behind `cursor` on. `name` is of this table alone. */
  list(limit: number, cursor: string | undefined, listings: Listings, name: string): Entries {
    const after = cursor === undefined ? undefined : this.position(cursor)
    const asked = { limit, after, isPrefixed: this.isPrefixed }
    const { entries, next } = listings.piece(name, this.map, this.table.key, asked)
    return { entries: entries.map((one) => this.entry(...one)), ...(next === undefined ? {} : { next: toHex(next) }) }
  }

  get(text: string): Entry {
    const key = this.keyOf(text)
    const value = this.valueAt(key)
    if (value === undefined) throw this.absent(text)
    return this.entry(key, value)
  }

  /** Says whether it is new. */
  put(text: string, given: JsonFields): { readonly entry: Entry; readonly isNew: boolean } {
    this.mustBeWritable()
    const key = this.keyOf(text)
    const { value: struct } = this.table
    const schema = fieldsSchema(struct.fields)
    const parsed = schema.safeParse(given)
    if (!parsed.success) {
      const errors = issuesOf(parsed.error, given, schema).map(({ path, message, remedy }) => ({
        pointer: pointerOf(path),
        detail: message,
        ...(remedy === undefined ? {} : { remedy }),
      }))
      throw new ProblemError(problem(422, errors[0]?.detail, { errors }))
    }
    const bytes = encodeStruct(struct, parsed.data as ControlOf<Fields>)
    const isNew = this.valueAt(key) === undefined
    this.update(key, isPerCpu(this.kind) ? this.forAll(bytes) : bytes)
    return { entry: this.get(text), isNew }
  }

  delete(text: string): Entry {
    this.mustBeWritable()
    this.mustForget()
    const entry = this.get(text)
    if (!this.map.delete(this.keyOf(text))) throw this.absent(text)
    return entry
  }

  /** Deletes what is there now; says how many entries. */
  flush(): number {
    this.mustBeWritable()
    this.mustForget()
    return this.map.entries().filter(([key]) => this.map.delete(key)).length
  }

  private entry(key: Uint8Array, value: Uint8Array): Entry {
    const { key: keys, value: values } = this.table
    const read = toJson(this.isPrefixed ? decodePrefix(keys, key) : decodeStruct(keys, key)) as JsonFields
    const each = alignUp(values.size, 8)
    const decoded = isPerCpu(this.kind)
      ? Array.from({ length: value.length / each }, (_, cpu) => decodeStruct(values, value.subarray(cpu * each)))
      : decodeStruct(values, value)
    return { id: keyText(this.table, read), key: read, value: toJson(decoded) as Record<string, unknown> }
  }

  private get isPrefixed(): boolean {
    return isPrefixed(this.table.kind)
  }

  /** Bytes of a key from its text in a path. A ProblemError of 400 where it is none of this table's. */
  private keyOf(text: string): Uint8Array {
    const schema = keySchema(this.table)
    const given = text.startsWith('{') ? parsedKey(text) : fieldsOfText(this.table, text)
    const form = `write ${Object.keys(schema.shape).join(', ')} with commas in between, or a JSON object`
    if (given === undefined) throw wrongKey(`"${text}" is no key of ${this.name}`, form)
    const parsed = schema.safeParse(given)
    if (!parsed.success) {
      const [first] = issuesOf(parsed.error, given, schema)
      throw wrongKey(first?.message ?? 'it is no key', first?.remedy ?? form)
    }
    try {
      const key = parsed.data as ControlOf<Fields>
      const bytes = this.isPrefixed
        ? encodePrefix(this.table.key, key as ControlOf<Fields> & { readonly length: number })
        : encodeStruct(this.table.key, key)
      if (isIndexed(this.kind) && Number(parsed.data.index) >= this.table.entries)
        throw wrongKey(`${this.name} has entries 0 to ${this.table.entries - 1}`)
      return bytes
    } catch (error) {
      if (error instanceof RangeError) throw wrongKey(error.message)
      throw error
    }
  }

  private valueAt(key: Uint8Array): Uint8Array | undefined {
    const found = this.map.lookup(key)
    if (!this.isPrefixed || found === undefined || prefixBits(key) === 0) return found
    // Asked for a prefix, the kernel gives the longest that contains it. Another value than that of the next one around it is its own;
    // of equal ones, a prefix that the first key follows is none that is there, and of others nobody can tell without a look at all.
    const around = this.map.lookup(shorter(key))
    if (around === undefined || Buffer.compare(around, found) !== 0) return found
    const [next, first] = [this.map.keyAfter(key), this.map.keyAfter()]
    if (next !== undefined && first !== undefined && Buffer.compare(next, first) === 0) return undefined
    return this.map.entries().find(([one]) => Buffer.compare(one, key) === 0)?.[1]
  }

  private update(key: Uint8Array, value: Uint8Array): void {
    try {
      this.map.update(key, value)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const isFull = !isLru(this.kind) && this.map.entries().length >= this.table.entries
      throw isFull
        ? refuse(507, `${this.name} is full: it has ${this.table.entries} entries`, 'delete some of them')
        : error
    }
  }

  /** The same for every CPU. */
  private forAll(bytes: Uint8Array): Uint8Array {
    const each = alignUp(bytes.length, 8)
    const all = new Uint8Array(this.map.valueSize)
    for (let at = 0; at < all.length; at += each) all.set(bytes, at)
    return all
  }

  private position(cursor: string): Uint8Array {
    if (/^([0-9a-f]{2})+$/.test(cursor) && cursor.length === 2 * this.table.key.size) return Buffer.from(cursor, 'hex')
    throw new ProblemError(
      problem(400, 'this is no cursor', {
        errors: [{ parameter: 'cursor', detail: 'take `next` of the piece before' }],
      }),
    )
  }

  private absent(text: string): ProblemError {
    return refuse(404, `${this.name} has no entry ${text}`)
  }

  private mustBeWritable(): void {
    if (this.table.writable !== true)
      throw refuse(409, `${this.name} is written by the cube alone`, 'its schema would have to say writable: true')
  }

  private mustForget(): void {
    if (isIndexed(this.kind))
      throw refuse(409, `entries of ${this.name} are always there`, 'set them to what they are to be')
  }
}

/** Of a prefix, as {@link encodePrefix} writes it. */
const prefixBits = (key: Uint8Array): number => viewOf(key).getUint32(0, true)

/** A prefix that is one bit shorter: bits past its length are nobody's. */
function shorter(key: Uint8Array): Uint8Array {
  const copy = key.slice()
  viewOf(copy).setUint32(0, prefixBits(key) - 1, true)
  return copy
}

function parsedKey(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof Refusal) throw wrongKey(error.message)
    throw error
  }
}

const wrongKey = (detail: string, remedy?: string): ProblemError =>
  new ProblemError(
    problem(400, detail, { errors: [{ parameter: 'key', detail, ...(remedy === undefined ? {} : { remedy }) }] }),
  )
