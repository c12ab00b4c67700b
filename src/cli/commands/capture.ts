import { Command } from 'commander'
import { SIGHTS } from '../../isa/trace.ts'
import { count, type FilterOptions, filterHelp, number, withFilter } from '../filter.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends FilterOptions, ReachOptions {
  readonly direction?: string
  readonly count?: number
  readonly snapshot?: number
  readonly write?: string
}

export const captureCommand = (): Command =>
  withReach(
    withFilter(
      new Command('capture')
        .description("Watch packets at a graph's ports: what comes in, what is sent, and what dies, and why.")
        .argument('<graph>', 'the name of a graph that runs, or its file')
        .argument('[ports...]', 'ports, by name, as instance:port or by interface, or instances; all unless given'),
    )
      .option('-d, --direction <what>', `of ${SIGHTS.join(',')}: one or more of them, with commas; all unless given`)
      .option('-c, --count <packets>', 'end after so many', count)
      .option('-s, --snapshot <bytes>', 'of each packet, at most', number(262_144, 1))
      .option('-w, --write <file>', 'write pcapng, with what happened in comments; - is standard output'),
    'local',
  )
    .addHelpText(
      'after',
      `${filterHelp}

The programs of the graph are compiled with what tells of packets while this runs, and without it before and afterwards. Where
it was killed, the next tessera command that has to do with the graph puts the plain ones back. What a control plane sends is
seen as well, a moment after this begins.

Examples:
  sudo tessera capture office                                 a line for each packet
  sudo tessera capture office alice -d drop                   what dies at alice, and why
  sudo tessera capture office -f 'udp port 53' -w dns.pcapng
  sudo tessera capture office -w - | wireshark -k -i -`,
    )
    .action(async (graph: string, ports: readonly string[], options: Options) =>
      (await import('../actions/capture.ts')).capture(graph, ports, options),
    )
