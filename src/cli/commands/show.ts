import { Command } from 'commander'
import { machineOption } from '../options.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly machine: 'kernel' | 'vm'
  readonly json?: boolean
}

export const showCommand = (): Command =>
  withReach(
    new Command('show')
      .description('Print the graphs that run: ports, packets, bytes, drops by reason, and what the cubes know.')
      .argument('[graph]', 'only this one')
      .addOption(machineOption())
      .option('--json', 'print JSON'),
    'local',
  )
    .addHelpText('after', '\nExamples:\n  sudo tessera show\n  sudo tessera show office --json')
    .action(async (graph: string | undefined, options: Options) =>
      (await import('../actions/show.ts')).show(graph, options),
    )
