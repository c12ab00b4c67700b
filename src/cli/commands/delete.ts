import { Command } from 'commander'
import { machineOption } from '../options.ts'

export interface Options {
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
    .action(async (graph: string, options: Options) =>
      (await import('../actions/delete.ts')).deleteGraph(graph, options),
    )
