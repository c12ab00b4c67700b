import { Command } from 'commander'
import { count } from '../filter.ts'
import { type Output, withOutput } from '../output.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly output: Output
  readonly since?: string
  readonly count?: number
}

export const eventsCommand = (): Command =>
  withReach(
    withOutput(
      new Command('events')
        .description(
          'What happens, as it happens, until Ctrl-C: graphs and cubes that come, change, wait, fail and go.',
        )
        .argument('[graph]', 'only of this one')
        .option('--since <id>', 'begin after this event')
        .option('-c, --count <events>', 'end after so many', count),
    ),
  )
    .addHelpText(
      'after',
      `
As json, each event is a line.

Examples:
  tessera events
  tessera events office -o json
  tessera events -o template='{time} {kind} {text}'`,
    )
    .action(async (graph: string | undefined, options: Options) =>
      (await import('../actions/events.ts')).events(graph, options),
    )
