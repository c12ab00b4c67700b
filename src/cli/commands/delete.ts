import { Command } from 'commander'
import { machineOption } from '../options.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly machine: 'kernel' | 'vm'
  readonly file?: readonly string[]
  readonly dryRun?: boolean
}

export const deleteCommand = (): Command =>
  withReach(
    new Command('delete')
      .description('Remove all that graphs have on this host, also when they were only half applied.')
      .argument('[graphs...]', 'names of graphs, or graph files')
      .option('-f, --file <files...>', 'graph files, folders of them, or - for standard input')
      .addOption(machineOption())
      .option('--dry-run', 'print what would be removed, and do nothing'),
    'local',
  )
    .addHelpText('after', '\nExamples:\n  sudo tessera delete office\n  sudo tessera delete -f examples/bridge.yaml')
    .action(async (graphs: readonly string[], options: Options) =>
      (await import('../actions/delete.ts')).deleteGraphs(graphs, options),
    )
