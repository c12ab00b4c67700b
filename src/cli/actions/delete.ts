import { refusal } from '../../base/diagnostic.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { describeActions } from '../../engine/plan/plan.ts'
import { describeChange } from '../changes.ts'
import type { Options } from '../commands/delete.ts'
import { isFile, sourcesOf } from '../documents.ts'
import { wrongUsage } from '../exit.ts'
import { daemonIfThere } from '../reach.ts'

export async function deleteGraphs(words: readonly string[], options: Options): Promise<void> {
  const { machine, file = [], dryRun = false } = options
  if (machine === 'vm')
    throw refusal('a graph on the user-space machine ends with the command that ran it: there is nothing to delete')
  const files = [...words.filter(isFile), ...file]
  const names = [...words.filter((word) => !isFile(word)), ...(await sourcesOf(files)).map(({ name }) => name)]
  if (names.length === 0) throw wrongUsage("missing required argument 'graph': name a graph, or a graph file")
  using client = await daemonIfThere(options)
  using host = client === undefined ? openKernelHost() : undefined
  for (const graph of names) {
    if (client !== undefined) console.log(describeChange((await client.deleteGraph({ graph, dryRun })).body))
    if (host !== undefined) {
      const actions = dryRun ? host.engine.planDeletion(graph) : await host.engine.delete(graph)
      console.log(describeActions(actions).join('\n'))
    }
    if (!dryRun) console.log(`graph ${graph} is gone`)
  }
}
