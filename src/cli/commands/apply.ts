import { Command } from 'commander'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { rehearse } from '../../daemon/rehearsal.ts'
import { describeAction } from '../../engine/plan.ts'
import { graphFile, machineOption } from '../options.ts'
import { printRehearsal } from '../rehearsal.ts'

interface Options {
  readonly machine: 'kernel' | 'vm'
  readonly dryRun?: boolean
}

export const applyCommand = (): Command =>
  new Command('apply')
    .description(
      'Make the host run the graph of a file: what is new is added, what changed is replaced, what is gone is removed.',
    )
    .argument('<file>', 'a graph file (YAML), or - for standard input')
    .addOption(machineOption())
    .option('--dry-run', 'print what would be done, and do nothing')
    .addHelpText(
      'after',
      `
With --machine vm the graph runs in this process only, between simulated hosts that ping each other.

Examples:
  sudo tessera apply examples/bridge.yaml
  tessera apply examples/bridge.yaml --machine vm`,
    )
    .action(run)

async function run(file: string, { machine, dryRun = false }: Options): Promise<void> {
  if (machine === 'vm') {
    using host = openVirtualHost()
    const rehearsal = await rehearse(host, await graphFile(file, host.catalogue), { dryRun })
    console.log(dryRun ? rehearsal.actions.map(describeAction).join('\n') : printRehearsal(rehearsal))
    return
  }
  using host = openKernelHost()
  const graph = await graphFile(file, host.catalogue)
  if (dryRun) {
    const { actions } = await host.engine.plan(graph)
    console.log(actions.map(describeAction).join('\n'))
    return
  }
  const { actions, running } = await host.engine.apply(graph)
  console.log(actions.map(describeAction).join('\n'))
  console.log(`graph ${running.graph.name} runs; tessera show ${running.graph.name} tells how it does`)
}
