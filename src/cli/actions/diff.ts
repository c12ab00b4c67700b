import type { Client } from '../../api/client.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { describeActions } from '../../engine/plan/plan.ts'
import { actionLines } from '../changes.ts'
import type { DiffOptions } from '../commands/apply.ts'
import { differences } from '../differences.ts'
import { type GraphSource, sourcesOf } from '../documents.ts'
import { Ended, EXIT } from '../exit.ts'
import { daemonIfThere, isMissing } from '../reach.ts'
import { asked, filesOf } from './apply.ts'

export async function diff(words: readonly string[], { file, ...reach }: DiffOptions): Promise<void> {
  const sources = await sourcesOf(filesOf(words, file))
  using client = await daemonIfThere(reach)
  let differs = 0
  for (const source of sources) {
    const lines = client === undefined ? await planned(source) : await compared(client, source)
    if (lines.length > 0) differs++
    console.log([`graph ${source.name}${lines.length === 0 ? ' is as it is wanted' : ':'}`, ...lines].join('\n  '))
  }
  if (differs > 0) throw new Ended(EXIT.differs)
}

/** Without a daemon: what would be done in the kernel. */
async function planned(source: GraphSource): Promise<string[]> {
  using host = openKernelHost()
  const { actions } = await host.engine.plan(await source.read(host.catalogue))
  return describeActions(actions)
}

/** What is written otherwise, and what would be done about it. */
async function compared(client: Client, source: GraphSource): Promise<string[]> {
  const { name, document } = source
  const { body } = await asked(source, () => client.putGraph({ graph: name, dryRun: true, body: document }))
  const actions = actionLines(body.actions)
  const before = await wanted(client, name)
  return before === undefined ? ['it is new', ...actions] : [...differences(before, document), ...actions]
}

async function wanted(client: Client, graph: string): Promise<unknown> {
  try {
    return (await client.getGraph({ graph })).body
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
