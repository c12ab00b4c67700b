import { existsSync } from 'node:fs'
import { refusal } from '../../base/diagnostic.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { describeActions } from '../../engine/plan.ts'
import type { Options } from '../commands/delete.ts'
import { graphFile } from '../graph-file.ts'

export async function deleteGraph(which: string, { machine, dryRun = false }: Options): Promise<void> {
  if (machine === 'vm')
    throw refusal('a graph on the user-space machine ends with the command that ran it: there is nothing to delete')
  using host = openKernelHost()
  const name = existsSync(which) ? (await graphFile(which, host.catalogue)).graph.name : which
  const actions = dryRun ? host.engine.planDeletion(name) : await host.engine.delete(name)
  console.log(describeActions(actions).join('\n'))
  if (!dryRun) console.log(`graph ${name} is gone`)
}
