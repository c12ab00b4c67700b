import type { Client } from '../../api/client.ts'
import type { Output as Answer } from '../../api/routes.ts'
import { refusal } from '../../base/diagnostic.ts'
import type { Options } from '../commands/describe.ts'
import { printCube } from '../cube-text.ts'
import { wrongUsage } from '../exit.ts'
import { findInstance, hasGraph } from '../instance.ts'
import { namesOf } from '../kinds.ts'
import { LISTERS } from '../listing.ts'
import { type Output, printData } from '../output.ts'
import { daemonOf } from '../reach.ts'
import { fieldAt, shown } from '../settings.ts'
import { printInstance } from '../status.ts'
import { statusOf } from '../status-of.ts'
import { records, table } from '../table.ts'

/** How many rows of each view are shown. */
const ROWS = 20

const KINDS = ['graph', 'instance', 'cube', 'interface'] as const

export async function describe(first: string, words: readonly string[], { output, ...reach }: Options): Promise<void> {
  const kind = KINDS.find((one) => one === first.replace(/s$/, ''))
  const names = kind === undefined ? namesOf([first, ...words]) : namesOf(words, `${kind}s`)
  const [name, inner] = names
  if (name === undefined) throw wrongUsage(`${first} of which name?`)
  using client = daemonOf(reach)
  if (kind === 'cube') return tell((await client.getCube({ cube: name })).body, output, printCube)
  if (kind === 'interface') return describeInterface(client, name, output)
  if (kind === 'graph' || (kind === undefined && inner === undefined && (await hasGraph(client, name))))
    return tell(await graphOf(client, name), output, printGraph)
  const found = await findInstance(client, inner === undefined ? name : `${name}/${inner}`, undefined)
  return tell(await instanceOf(client, found.graph, found.instance), output, printOne)
}

async function tell<T>(thing: T, output: Output, print: (thing: T) => string): Promise<void> {
  if (output.as === 'table' || output.as === 'wide') process.stdout.write(`${print(thing)}\n`)
  else await printData(thing, output)
}

async function graphOf(client: Client, graph: string) {
  const status = (await client.getGraphStatus({ graph })).body
  const drops = (await client.getDrops({ graph })).body
  const document = status.revision === undefined ? undefined : (await client.getGraph({ graph })).body
  return { ...status, drops, document }
}

async function instanceOf(client: Client, graph: string, instance: string) {
  const where = { graph, instance }
  const status = (await client.getInstanceStatus(where)).body
  const document = (await client.getInstance(where)).body
  const tables = (await client.listTables(where)).body
  return { graph, ...status, document, tables }
}

type Whole = Awaited<ReturnType<typeof graphOf>>
type One = Awaited<ReturnType<typeof instanceOf>>

function printGraph({ name, state, reason, revision, point, instances, drops }: Whole): string {
  const facts = [
    ['graph', name],
    ['state', reason === undefined ? state : `${state}: ${reason}`],
    ['revision', revision ?? 'none: it was applied without the daemon'],
    ['attached by', point ?? 'nothing runs'],
  ] as const
  return [
    facts.map(([what, is]) => `${`${what}:`.padEnd(13)}${is}`).join('\n'),
    ...(drops.length === 0 ? [] : [`dropped, most first:\n${printDrops(drops)}`]),
    ...instances.map((instance) => printInstance(statusOf(instance), ROWS)),
  ].join('\n\n')
}

const printDrops = (drops: Answer<'getDrops'>): string =>
  table(
    ['PORT', 'REASON', 'PACKETS', 'MEANING'],
    drops.map(({ instance, port, reason, packets, meaning }) => [
      `${instance}.${port}`,
      reason,
      BigInt(packets),
      meaning,
    ]),
    '  ',
  )

function printOne({ graph, document, tables, ...status }: One): string {
  const config = Object.keys(document.config ?? {})
  const settings = config.map((key) => `    ${key}: ${shown(fieldAt(document.config, [key]))}`)
  return [
    `graph ${graph}`,
    printInstance(statusOf(status), ROWS),
    ...(settings.length === 0 ? [] : [`  configuration, as it was applied:\n${settings.join('\n')}`]),
    ...(tables.length === 0
      ? []
      : [
          `  tables:\n${records(
            tables.map(({ name, kind, used, entries, writable }) => ({
              name,
              kind,
              used: used ?? '',
              room: entries,
              writable: writable ? 'yes' : 'no',
            })),
            '    ',
          )}`,
        ]),
  ].join('\n\n')
}

async function describeInterface(client: Client, name: string, output: Output): Promise<void> {
  const { data } = await LISTERS.interfaces(client, [name])
  const [found] = data
  if (found === undefined) throw refusal(`there is no interface ${name}`)
  await tell(found, output, (one) =>
    Object.entries(one)
      .map(([what, is]) => `${`${what}:`.padEnd(13)}${Array.isArray(is) ? is.join(', ') || 'none' : shown(is)}`)
      .join('\n'),
  )
}
