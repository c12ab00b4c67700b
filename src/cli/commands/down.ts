import { Command } from 'commander'
import { SOCKET } from '../../daemon/run/places.ts'

export interface Options {
  readonly socket?: string
}

export const downCommand = (): Command =>
  new Command('down')
    .description('Remove all graphs from this host, and end the daemon if there is one.')
    .option('--socket <path>', `the daemon's Unix socket; unless said, TESSERA_SOCKET or ${SOCKET}`)
    .addHelpText(
      'after',
      `
What is wanted stays known: the next tessera daemon brings it up again. tessera delete removes one graph for good.

Examples:
  sudo tessera down`,
    )
    .action(async (options: Options) => (await import('../actions/down.ts')).down(options))
