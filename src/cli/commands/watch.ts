import { Command, InvalidArgumentError } from 'commander'
import { count } from '../filter.ts'
import { type Kind, kindOf } from '../kinds.ts'
import { type ReachOptions, withReach } from '../reach.ts'
import { kindsHelp } from './get.ts'

export interface Options extends ReachOptions {
  readonly interval: number
  readonly count?: number
}

/** Seconds. */
function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 0.1 && value <= 3600)) throw new InvalidArgumentError('write seconds, from 0.1 to 3600')
  return value
}

export const watchCommand = (): Command =>
  withReach(
    new Command('watch')
      .description('List things as get does, and again whenever they are others, until Ctrl-C.')
      .argument('[kind]', 'what kind of things', kindOf, 'graphs')
      .argument('[names...]', 'only these: a graph, then an instance')
      .option('-i, --interval <seconds>', 'between two looks', seconds, 1)
      .option('-c, --count <looks>', 'end after so many', count),
  )
    .addHelpText(
      'after',
      `
On a terminal the table stays in its place. Elsewhere, what is new or changed is printed, a line each.

${kindsHelp()}

Examples:
  tessera watch
  tessera watch ports office
  tessera watch interfaces -i 5`,
    )
    .action(async (kind: Kind, names: readonly string[], options: Options) =>
      (await import('../actions/watch.ts')).watch(kind, names, options),
    )

export const topCommand = (): Command =>
  withReach(
    new Command('top')
      .description('Packets and bits per second, and drops, of each port, busiest first.')
      .argument('[graph]', 'only of this one')
      .option('-i, --interval <seconds>', 'between two looks', seconds, 1)
      .option('-c, --count <looks>', 'end after so many', count),
  )
    .addHelpText(
      'after',
      '\nOn a terminal the table stays in its place, until Ctrl-C. Elsewhere (TERM=dumb, too) it is printed once, or for each look of -c.\n\nExamples:\n  tessera top\n  tessera top office -i 5\n  tessera top > rates.txt',
    )
    .action(async (graph: string | undefined, options: Options) =>
      (await import('../actions/top.ts')).top(graph, options),
    )
