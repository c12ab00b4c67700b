import { Command, Option } from 'commander'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { rehearse } from '../../daemon/rehearsal.ts'
import { type Action, describeAction } from '../../engine/plan.ts'
import { graphFile, machineOption } from '../options.ts'
import { printRehearsal } from '../rehearsal.ts'

interface Options {
  readonly machine: 'kernel' | 'vm'
  readonly dryRun?: boolean
  readonly attach: 'auto' | 'tcx' | 'clsact'
}

export const applyCommand = (): Command =>
  new Command('apply')
    .description(
      'Make the host run the graph of a file: what is new is added, what changed is replaced, what is gone is removed.',
    )
    .argument('<file>', 'a graph file (YAML), or - for standard input')
    .addOption(machineOption())
    .addOption(
      new Option('--attach <how>', 'TCX links, or filters on clsact; auto takes links where the kernel has them')
        .choices(['auto', 'tcx', 'clsact'])
        .default('auto'),
    )
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

async function run(file: string, { machine, attach, dryRun = false }: Options): Promise<void> {
  if (machine === 'vm') {
    using host = openVirtualHost()
    const rehearsal = await rehearse(host, await graphFile(file, host.catalogue), { dryRun })
    console.log(dryRun ? printActions(rehearsal.actions) : printRehearsal(rehearsal))
    return
  }
  using host = openKernelHost({ attach })
  const graph = await graphFile(file, host.catalogue)
  if (dryRun) {
    const { actions } = await host.engine.plan(graph)
    console.log(printActions(actions))
    return
  }
  const { actions, running } = await host.engine.apply(graph)
  console.log(printActions(actions))
  console.log(`graph ${running.graph.name} runs; tessera show ${running.graph.name} tells how it does`)
}

const printActions = (actions: readonly Action[]): string =>
  actions.length === 0 ? 'nothing to change' : actions.map(describeAction).join('\n')
