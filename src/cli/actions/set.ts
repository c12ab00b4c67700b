import { parse } from 'yaml'
import type { Client } from '../../api/client.ts'
import { refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import { describeChange } from '../changes.ts'
import type { Options } from '../commands/set.ts'
import { wrongUsage } from '../exit.ts'
import { findInstance } from '../instance.ts'
import { daemonOf } from '../reach.ts'
import { fieldAt, patchOf, type Setting, settingOf, shown } from '../settings.ts'

/** What an instance's document has, and what a graph's has beside instances. */
const FIELDS = ['cube', 'config', 'ports', 'queue', 'entries']
const GRAPH_FIELDS = ['attach']

export async function set(
  first: string,
  words: readonly string[],
  { dryRun = false, ...reach }: Options,
): Promise<void> {
  const [second, ...rest] = words
  const isName = second !== undefined && !second.includes('=')
  const settings = settingsOf(isName ? rest : words)
  using client = daemonOf(reach)
  const ofGraph = settings.filter(({ path: [head = ''] }) => GRAPH_FIELDS.includes(head))
  if (ofGraph.length > 0) {
    if (isName || first.includes('/') || ofGraph.length < settings.length)
      throw wrongUsage(
        `${ofGraph[0]?.path.join('.')} is the whole graph's: tessera set ${first.split('/', 1)[0]} attach=…`,
      )
    await setGraph(client, first, settings, dryRun)
    return
  }
  const where = await findInstance(client, first, isName ? second : undefined)
  const { graph, instance } = where
  const look = async () => (await client.getInstance(where)).body
  const before = await look()
  const { body } = await client.patchInstance({ graph, instance, dryRun, body: patchOf(settings) })
  tell(`${graph}/${instance}`, settings, before, dryRun ? undefined : await look())
  console.log(describeChange(body))
}

async function setGraph(client: Client, graph: string, settings: readonly Given[], dryRun: boolean): Promise<void> {
  const look = async () => (await client.getGraph({ graph })).body
  const before = await look()
  const { body } = await client.patchGraph({ graph, dryRun, body: patchOf(settings) })
  tell(graph, settings, before, dryRun ? undefined : await look())
  console.log(describeChange(body))
}

/** `after`: undefined where nothing was changed. */
function tell(what: string, settings: readonly Given[], before: unknown, after: unknown): void {
  for (const { path, value } of settings) {
    const was = shown(fieldAt(before, path))
    const is = shown(after === undefined ? (value ?? undefined) : fieldAt(after, path))
    console.log(`${what}: ${path.join('.')} ${after === undefined ? 'would be' : 'is'} ${is}, was ${was}`)
  }
}

type Given = Setting & { readonly value: unknown }

function settingsOf(words: readonly string[]): readonly Given[] {
  if (words.length === 0) throw wrongUsage('there is nothing to set: write field=value, such as config.agingTime=60')
  const settings = words.reduce<readonly Setting[]>((before, word) => settingOf(word, before), [])
  return settings.map(({ path, text }) => {
    const [head = ''] = path
    if (!FIELDS.includes(head) && !GRAPH_FIELDS.includes(head)) {
      const rest = path.join('.')
      throw refusal(
        `an instance has no field ${head}`,
        `${suggestion(head, FIELDS)}; its configuration is config.${rest}`,
      )
    }
    try {
      return { path, text, value: text === '' ? null : (parse(text) as unknown) }
    } catch (error) {
      throw refusal(
        `${path.join('.')}=${text} is no YAML: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
      )
    }
  })
}
