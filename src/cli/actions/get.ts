import type { Options } from '../commands/get.ts'
import { type Kind, namesOf } from '../kinds.ts'
import { LISTERS } from '../listing.ts'
import { printData } from '../output.ts'
import { daemonOf } from '../reach.ts'
import { printRows } from '../rows.ts'

export async function get(kind: Kind, words: readonly string[], options: Options): Promise<void> {
  using client = daemonOf(options)
  const { whole, ...rows } = await LISTERS[kind](client, namesOf(words, kind))
  const { output } = options
  return whole !== undefined && (output.as === 'json' || output.as === 'yaml')
    ? printData(whole, output)
    : printRows(rows, output)
}
