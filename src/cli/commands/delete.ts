import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { refusal } from '../../base/diagnostic.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { describeActions } from '../../engine/plan.ts'
import { graphFile, machineOption } from '../options.ts'

interface Options {
  readonly machine: 'kernel' | 'vm'
  readonly dryRun?: boolean
}

export const deleteCommand = (): Command =>
  new Command('delete')
    .description('Remove all that a graph has on this host, also when it was only half applied.')
    .argument('<graph>', 'a graph file, or the name of a graph')
    .addOption(machineOption())
    .option('--dry-run', 'print what would be removed, and do nothing')
    .addHelpText('after', '\nExamples:\n  sudo tessera delete examples/bridge.yaml\n  sudo tessera delete office')
    .action(run)

async function run(which: string, { machine, dryRun = false }: Options): Promise<void> {
  if (machine === 'vm')
    throw refusal('a graph on the user-space machine ends with the command that ran it: there is nothing to delete')
  using host = openKernelHost()
  const name = existsSync(which) ? (await graphFile(which, host.catalogue)).graph.name : which
  const actions = dryRun ? host.engine.planDeletion(name) : await host.engine.delete(name)
  console.log(describeActions(actions).join('\n'))
  if (!dryRun) console.log(`graph ${name} is gone`)
}
