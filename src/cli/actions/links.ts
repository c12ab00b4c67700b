import { resolve } from 'node:path'
import { parse } from 'yaml'
import type { Answer, Client } from '../../api/client.ts'
import { type Change, describeChange } from '../changes.ts'
import type { AttachOptions, Options } from '../commands/links.ts'
import { wrongUsage } from '../exit.ts'
import { daemonOf, type ReachOptions } from '../reach.ts'
import { patchOf } from '../settings.ts'

const END = /^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/

/** Asks for a change, and says what it did. */
async function change(
  reach: ReachOptions,
  ask: (client: Client) => Promise<Answer<Change>>,
  done: string,
): Promise<void> {
  using client = daemonOf(reach)
  const { body } = await ask(client)
  console.log(describeChange(body))
  console.log(body.dryRun ? `it would be that ${done}` : done)
}

function portEnd(text: string): string {
  if (!END.test(text)) throw wrongUsage(`${text} is no port: write instance.port`)
  return text
}

/** `core.floor`, `host:eth2`, `blue/eth0`, `eth1`. An interface may have a dot in its name: `./eth1.5` says that it is one. */
function otherEnd(text: string): { to: string } | { host: string } | { interface: string; namespace?: string } {
  if (END.test(text)) return { to: text }
  const [, host] = /^host:(.+)$/.exec(text) ?? []
  if (host !== undefined) return { host }
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? []
  if (namespace === '.' && name !== undefined) return { interface: name }
  return namespace !== undefined && name !== undefined ? { interface: name, namespace } : { interface: text }
}

export async function connect(graph: string, port: string, to: string, { dryRun = false, ...reach }: Options) {
  const body = { end: portEnd(port), ...otherEnd(to) }
  await change(reach, (client) => client.connect({ graph, dryRun, body }), `${port} leads to ${to}`)
}

export async function disconnect(graph: string, port: string, { dryRun = false, ...reach }: Options) {
  const end = portEnd(port)
  await change(reach, (client) => client.disconnect({ graph, end, dryRun }), `${port} leads nowhere`)
}

export async function attach(graph: string, instance: string, where: string, options: AttachOptions) {
  const { dryRun = false, position, cube, set = [], ...reach } = options
  if (position !== undefined && !(Number.isInteger(position) && position >= 0))
    throw wrongUsage('--position is a number from 0 on')
  const place = END.test(where) ? { port: where } : { interface: where.replace(/^\.\//, '') }
  const config = patchOf(set.map(({ path, text }) => ({ path, value: parse(text) as unknown })))
  const body = {
    ...place,
    ...(position === undefined ? {} : { position }),
    ...(cube === undefined ? {} : { cube: /^[./]/.test(cube) ? resolve(cube) : cube }),
    ...(set.length === 0 ? {} : { config }),
  }
  await change(reach, (client) => client.attach({ graph, instance, dryRun, body }), `${instance} is on ${where}`)
}

export async function detach(graph: string, instance: string, { dryRun = false, ...reach }: Options) {
  await change(
    reach,
    (client) => client.detach({ graph, instance, dryRun }),
    `${instance} is on nobody's way, and gone`,
  )
}
