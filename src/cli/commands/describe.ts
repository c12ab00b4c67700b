import { Command } from 'commander'
import { type Output, withOutput } from '../output.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly output: Output
}

export const describeCommand = (): Command =>
  withReach(
    withOutput(
      new Command('describe')
        .description('Tell all about a graph, an instance, a cube, an interface: configuration, packets, drops, state.')
        .argument('<kind>', 'graph, instance, cube or interface; left out before the name of a graph or an instance')
        .argument('[names...]', 'a graph, then an instance')
        .usage('[options] [graph | instance | cube | interface] <name...>'),
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  tessera describe graph office
  tessera describe office/switch
  tessera describe cube bridge
  tessera describe interface eth0`,
    )
    .action(async (kind: string, names: readonly string[], options: Options) =>
      (await import('../actions/describe.ts')).describe(kind, names, options),
    )
