import { Command, Option } from 'commander'
import { type Input, input } from '../inputs.ts'

export interface Options {
  readonly in?: readonly Input[]
  readonly out?: string
  readonly format: 'pcap' | 'pcapng'
  readonly hook?: Hook
  readonly json?: boolean
}

const HOOKS = ['tc', 'xdp'] as const
export type Hook = (typeof HOOKS)[number]

export const runCommand = (): Command => {
  const command = new Command('run')
  return command
    .description(
      'Replay captures through a graph on the user-space machine, without root: what leaves each port, and what becomes of the rest.',
    )
    .argument('<graph>', 'a graph file (YAML)')
    .addOption(
      new Option(
        '-i, --in <port=file>',
        'frames that arrive at a port: pcap or pcapng, also gzipped; - is standard input; may be repeated',
      ).argParser(input),
    )
    .option('-o, --out <dir>', 'write what leaves each port to DIR/<port>.pcap, and the counters to DIR/counters.json')
    .addOption(
      new Option('--format <format>', 'of the files that are written').choices(['pcap', 'pcapng']).default('pcap'),
    )
    .addOption(new Option('--hook <hook>', 'where the programs run, whatever the graph says').choices(HOOKS))
    .option('--json', 'print the counters as JSON')
    .addHelpText(
      'after',
      `
A port is called by its name, as instance:port, or by its interface. Frames of several files meet in the order of their times.
The simulated clock follows the times of the capture, and what a frame leads to leaves at its time. Frames that the capture
cut are replayed as they are, and counted. Frames must be Ethernet.

Examples:
  tessera run lan.yaml --in alice=alice.pcap --out replayed
  tessera run lan.yaml --in alice=a.pcapng --in bob=b.pcap.gz --json
  zstd -dc alice.pcap.zst | tessera run lan.yaml --in switch:alice=-`,
    )
    .action(async (file: string, options: Options) => (await import('../actions/run.ts')).run(command, file, options))
}
