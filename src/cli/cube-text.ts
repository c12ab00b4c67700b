/** What a cube is, for people: how it is configured, what it knows, and why it drops packets. */
import { basename } from 'node:path'
import type { Output as Answer } from '../api/routes.ts'
import { shown } from './settings.ts'
import { table } from './table.ts'

export type CubeText = Answer<'getCube'>

export function printCube({
  name,
  summary,
  shape,
  origin,
  folder,
  from,
  config,
  ports,
  tables,
  drops,
  punts,
  views,
}: CubeText) {
  const titled = (title: string, lines: string | undefined) => (lines === undefined ? [] : [`${title}:\n${lines}`])
  return [
    `${name}: ${summary}\n${shape}, ${ORIGINS[origin]}${from === undefined ? '' : ` from ${from}`}, in ${folder}`,
    ...titled('configuration (config.…)', fields(config)),
    ...titled('of each port (ports.NAME.…)', fields(ports)),
    ...titled(
      'tables',
      tables.length === 0
        ? undefined
        : table(
            ['TABLE', 'KIND', 'ROOM', 'WRITABLE', 'SUMMARY'],
            tables.map((one) => [one.name, one.kind, one.entries, one.writable ? 'yes' : 'no', one.summary ?? '']),
            '  ',
          ),
    ),
    ...titled('drops packets as', meanings(drops)),
    ...titled('leaves packets to its control plane as', meanings(punts)),
    ...titled('shows', views.length === 0 ? undefined : `  ${views.join(', ')}`),
    ...example(name, origin === 'folder' ? `./${basename(folder)}` : name, shape, config),
  ].join('\n\n')
}

const ORIGINS: Readonly<Record<CubeText['origin'], string>> = {
  builtin: 'comes with Tessera',
  added: 'added',
  folder: 'not added, for graphs that name its folder',
}

const meanings = (reasons: Readonly<Record<string, string>>): string | undefined =>
  Object.keys(reasons).length === 0 ? undefined : table(['REASON', 'MEANING'], Object.entries(reasons), '  ')

type Schema = Readonly<Record<string, unknown>>

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null

/** Those of an object of JSON Schema. */
export function fieldsOf(schema: Schema): readonly { name: string; schema: Schema; required: boolean }[] {
  const { properties, required } = schema
  if (!isSchema(properties)) return []
  const names: readonly unknown[] = Array.isArray(required) ? required : []
  return Object.entries(properties).map(([name, one]) => {
    const schema = isSchema(one) ? one : {}
    return { name, schema, required: names.includes(name) && schema.default === undefined }
  })
}

function fields(schema: Schema): string | undefined {
  const rows = fieldsOf(schema).map(({ name, schema, required }) => [
    name,
    typeOf(schema),
    required ? 'required' : shown(schema.default),
    typeof schema.description === 'string' ? schema.description : '',
  ])
  return rows.length === 0 ? undefined : table(['FIELD', 'TYPE', 'UNLESS SAID', 'MEANING'], rows, '  ')
}

/** `integer 1 to 65535`, `"accept" or "deny"`, `list of object` */
function typeOf(schema: Schema): string {
  const { type, minimum, maximum, items, anyOf, oneOf } = schema
  if (Array.isArray(schema.enum)) return schema.enum.map(shown).join(' or ')
  if (schema.const !== undefined) return shown(schema.const)
  const choices = anyOf ?? oneOf
  if (Array.isArray(choices)) return choices.map((one) => (isSchema(one) ? typeOf(one) : 'anything')).join(' or ')
  if (type === 'array') return isSchema(items) ? `list of ${typeOf(items)}` : 'list'
  if (type === 'object') {
    const names = fieldsOf(schema).map(({ name }) => name)
    return names.length === 0 ? 'object' : `{ ${names.join(', ')} }`
  }
  const isBounded = typeof minimum === 'number' && typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER
  return `${typeof type === 'string' ? type : 'anything'}${isBounded ? ` ${minimum} to ${maximum}` : ''}`
}

function example(name: string, reference: string, shape: CubeText['shape'], config: Schema): string[] {
  const needed = fieldsOf(config).filter(({ required }) => required)
  const settings = needed.map(({ name }) => `${name}: …`).join(', ')
  const ports =
    shape === 'transparent' ? [] : ['    ports:', '      left: { interface: eth0 }', '      right: { interface: eth1 }']
  return [
    [
      'in a graph:',
      '  instances:',
      `    ${name}1:`,
      `      cube: ${reference}`,
      ...(settings === '' ? [] : [`      config: { ${settings} }`]),
      ...ports.map((line) => `  ${line}`),
    ].join('\n'),
  ]
}
