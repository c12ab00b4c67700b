import { parse } from 'yaml'
import { refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import { describeChange } from '../changes.ts'
import type { Options } from '../commands/set.ts'
import { wrongUsage } from '../exit.ts'
import { findInstance } from '../instance.ts'
import { daemonOf } from '../reach.ts'
import { fieldAt, patchOf, type Setting, settingOf, shown } from '../settings.ts'

/** What an instance's document has. */
const FIELDS = ['cube', 'config', 'ports', 'queue', 'entries']

export async function set(
  first: string,
  words: readonly string[],
  { dryRun = false, ...reach }: Options,
): Promise<void> {
  const [second, ...rest] = words
  const isName = second !== undefined && !second.includes('=')
  const settings = settingsOf(isName ? rest : words)
  using client = daemonOf(reach)
  const where = await findInstance(client, first, isName ? second : undefined)
  const { graph, instance } = where
  const before = (await client.getInstance(where)).body
  const { body } = await client.patchInstance({ graph, instance, dryRun, body: patchOf(settings) })
  const after = dryRun ? undefined : (await client.getInstance(where)).body
  for (const { path, value } of settings) {
    const was = shown(fieldAt(before, path))
    const is = shown(after === undefined ? (value ?? undefined) : fieldAt(after, path))
    console.log(`${graph}/${instance}: ${path.join('.')} ${dryRun ? 'would be' : 'is'} ${is}, was ${was}`)
  }
  console.log(describeChange(body))
}

function settingsOf(words: readonly string[]): readonly (Setting & { readonly value: unknown })[] {
  if (words.length === 0) throw wrongUsage('there is nothing to set: write field=value, such as config.agingTime=60')
  const settings = words.reduce<readonly Setting[]>((before, word) => settingOf(word, before), [])
  return settings.map(({ path, text }) => {
    const [head = ''] = path
    if (!FIELDS.includes(head)) {
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
