/** What the word that is being typed may become: words that the commands know, and names that the daemon knows. */
import type { Command, Option } from 'commander'
import type { Client } from '../api/client.ts'
import { HOOK_POINTS } from '../isa/program.ts'
import { fieldsOf } from './cube-text.ts'
import { KINDS, kindOf, namesOf } from './kinds.ts'
import { ofGraphs } from './listing.ts'

/** What comes next, in the words of a command. */
export type Sort = 'graph' | 'instance' | 'end' | 'interface' | 'cube' | 'table' | 'field' | 'kind' | 'file'

/** Of each verb, its arguments one by one; the last one may be repeated. `field` is of the instance before it. */
export const ARGUMENTS: Readonly<Record<string, readonly (readonly Sort[])[]>> = {
  show: [['graph']],
  get: [['kind'], ['graph'], ['instance']],
  watch: [['kind'], ['graph'], ['instance']],
  describe: [
    ['kind', 'graph', 'instance'],
    ['graph', 'cube', 'instance'],
  ],
  delete: [['graph', 'file']],
  set: [['instance', 'graph'], ['field', 'instance'], ['field']],
  connect: [['graph'], ['end'], ['end', 'interface']],
  disconnect: [['graph'], ['end']],
  attach: [['graph'], ['instance'], ['end', 'interface']],
  detach: [['graph'], ['instance']],
  top: [['graph']],
  events: [['graph']],
  trace: [['graph']],
  capture: [['graph'], ['end']],
  compile: [['cube', 'file']],
  'state list': [['instance']],
  'state get': [['instance'], ['table']],
  'state set': [['instance'], ['table']],
  'state delete': [['instance'], ['table']],
  'state flush': [['instance'], ['table']],
  'cube docs': [['cube', 'file']],
  'cube upgrade': [['cube']],
  'cube remove': [['cube']],
}

export async function complete(program: Command, words: readonly string[], client: Client): Promise<string[]> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  let command = program
  const given: string[] = []
  let pending: Option | undefined
  for (const word of before) {
    if (pending !== undefined) pending = undefined
    else if (word.startsWith('-')) pending = valued(command, word)
    else {
      const inner = given.length === 0 ? command.commands.find((one) => one.name() === word) : undefined
      if (inner === undefined) given.push(word)
      else command = inner
    }
  }
  const starting = (all: readonly string[]) => [...new Set(all)].filter((one) => one.startsWith(typed))
  if (pending !== undefined) return starting(pending.argChoices ?? (pending.long === '--output' ? FORMS : []))
  if (typed.startsWith('-'))
    return starting(command.options.flatMap(({ long }) => (long == null ? [] : [long])).concat('--help'))
  const hidden = new Set(['complete', 'help'])
  if (given.length === 0 && command.commands.length > 0)
    return starting(command.commands.map((one) => one.name()).filter((name) => !hidden.has(name)))
  const choices = command.registeredArguments[given.length]?.argChoices
  if (choices !== undefined) return starting(choices)
  const sorts = ARGUMENTS[pathOf(command)] ?? []
  const wanted = sorts[Math.min(given.length, sorts.length - 1)] ?? []
  const found = []
  for (const sort of wanted) found.push(...(await namesFor(sort, given, typed, client)))
  return starting(found)
}

const FORMS = ['table', 'wide', 'json', 'yaml', 'template=']

/** The option that takes the next word. */
const valued = (command: Command, word: string): Option | undefined =>
  word.includes('=')
    ? undefined
    : command.options.find(
        ({ long, short, required, optional }) => (required || optional) && (word === long || word === short),
      )

const pathOf = (command: Command): string =>
  command.parent?.parent == null ? command.name() : `${command.parent.name()} ${command.name()}`

async function namesFor(sort: Sort, given: readonly string[], typed: string, client: Client): Promise<string[]> {
  switch (sort) {
    case 'kind':
      return Object.keys(KINDS)
    case 'graph':
      return isFor(given[0], 'graph') ? graphs(client) : []
    case 'cube':
      return isFor(given[0], 'cube') ? (await client.listCubes()).body.map(({ name }) => name) : []
    case 'interface':
      return (await client.listInterfaces()).body.map(({ name }) => name)
    case 'end':
      return (await instancesOf(client, given[0])).flatMap(({ instance, ports }) =>
        ports.map((port) => `${instance}.${port}`),
      )
    case 'instance':
      return instances(client, given)
    case 'table':
      return tables(client, given[0] ?? '')
    case 'field':
      return fields(client, given, typed)
    case 'file':
      return []
  }
}

/** After the name of a kind, names of others are of no use. */
function isFor(word: string | undefined, what: 'graph' | 'cube'): boolean {
  if (word === undefined) return true
  try {
    return (KINDS[kindOf(word)].within as readonly string[]).includes(what)
  } catch {
    return true
  }
}

const graphs = async (client: Client): Promise<string[]> => (await client.listGraphs()).body.map(({ name }) => name)

const instancesOf = (client: Client, graph: string | undefined) =>
  ofGraphs(client, graph, async (name) =>
    Object.entries((await client.listInstances({ graph: name })).body).map(([instance, { cube, ports = {} }]) => ({
      ...{ graph: name, instance, cube },
      ports: Object.keys(ports),
    })),
  )

/** Of the graph that was named, by their names; else also with their graphs. */
async function instances(client: Client, given: readonly string[]): Promise<string[]> {
  const known = await graphs(client)
  const graph = given.find((word) => known.includes(word))
  const all = await instancesOf(client, graph)
  return graph === undefined
    ? all.map(({ graph, instance }) => `${graph}/${instance}`)
    : all.map(({ instance }) => instance)
}

async function tables(client: Client, word: string): Promise<string[]> {
  const found = await only(client, [word])
  if (found === undefined) return []
  const { graph, instance } = found
  return (await client.listTables({ graph, instance })).body.map(({ name }) => name)
}

async function only(client: Client, given: readonly string[]) {
  const [first = '', second] = namesOf(given.filter((word) => !word.includes('=')))
  const all = await instancesOf(client, undefined)
  const found = all.find(({ graph, instance }) =>
    second === undefined ? instance === first : graph === first && instance === second,
  )
  return found
}

/** What can be set of a whole graph. */
const ATTACH = ['attach=', ...HOOK_POINTS.map((point) => `attach=${point}`)]

/** `config.agingTime=`, `ports.alice.learning=`; and what a field may be. */
async function fields(client: Client, given: readonly string[], typed: string): Promise<string[]> {
  const found = await only(client, given)
  if (found === undefined) return given.length === 1 && (await graphs(client)).includes(given[0] ?? '') ? ATTACH : []
  const { config, ports } = (await client.getInstanceCube({ graph: found.graph, instance: found.instance })).body
  const all = [
    ...fieldsOf(config).map((field) => ({ ...field, path: `config.${field.name}` })),
    ...found.ports.flatMap((port) =>
      fieldsOf(ports).map((field) => ({ ...field, path: `ports.${port}.${field.name}` })),
    ),
  ]
  const [path, value] = typed.split('=')
  if (value === undefined) return all.map(({ path }) => `${path}=`)
  const { schema = {} } = all.find((field) => field.path === path) ?? {}
  const values = Array.isArray(schema.enum) ? schema.enum : schema.type === 'boolean' ? [true, false] : []
  return values.map((one) => `${path}=${one}`)
}
