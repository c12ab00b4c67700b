import { Command } from 'commander'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly dryRun?: boolean
}

export const setCommand = (): Command =>
  withReach(
    new Command('set')
      .description('Set fields of an instance that runs, or where a graph is attached.')
      .argument('<instance>', 'as graph/instance, or by its name alone where one graph has it; a graph, for attach=')
      .argument('<field=value...>', 'fields of its document: config.agingTime=60; field= takes one away')
      .option('--dry-run', 'say what would be done, and do nothing')
      .usage('[options] [graph] <instance> <field=value...>'),
  )
    .addHelpText(
      'after',
      `
Values are YAML: 60, true, text, [a, b]. tessera cube docs CUBE tells what there is to set.

Examples:
  tessera set office/switch config.agingTime=60
  tessera set office switch ports.alice.learning=false
  tessera set switch config.agingTime=              back to what it is unless said
  tessera set office attach=xdp                     the whole graph, in drivers where all of them can`,
    )
    .action(async (instance: string, words: readonly string[], options: Options) =>
      (await import('../actions/set.ts')).set(instance, words, options),
    )
