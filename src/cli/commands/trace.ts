import { Command } from 'commander'
import { count, type FilterOptions, filterHelp, withFilter } from '../filter.ts'
import { type Input, input } from '../inputs.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends FilterOptions, ReachOptions {
  readonly count?: number
  readonly in?: readonly Input[]
}

export const traceCommand = (): Command =>
  withReach(
    withFilter(
      new Command('trace')
        .description(
          'Follow packets through the cubes of a graph: each decision with its line, fields, and how it ends.',
        )
        .argument('<graph>', 'the name of a graph that runs, or its file')
        .argument('[filter]', "which packets, in tcpdump's words, as they arrive"),
    )
      .option('-c, --count <packets>', 'end after so many', count)
      .option('-i, --in <port=file>', 'on the user-space machine: packets of this capture arrive at a port', input),
    'local',
  )
    .addHelpText(
      'after',
      `${filterHelp}

The programs of the graph are compiled with what tells of packets while this runs, and without it before and afterwards. Times
are of programs that tell: without that they take a fraction. Functions are compiled in, to be followed, too. What is left
to a control plane ends there; what that sends is another packet, and followed as well, a moment after this begins.

Examples:
  sudo tessera trace office 'tcp port 80' -c 1
  sudo tessera trace office --source 10.0.0.1
  tessera trace office.yaml --in alice=alice.pcap`,
    )
    .action(async (graph: string, filter: string | undefined, options: Options) =>
      (await import('../actions/trace.ts')).trace(graph, filter, options),
    )
