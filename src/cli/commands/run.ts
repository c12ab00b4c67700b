import { Command, Option } from 'commander'
import { refusal } from '../../base/diagnostic.ts'
import { openVirtualHost } from '../../daemon/host.ts'
import { replay } from '../../daemon/replay.ts'
import { saveReport, toJson } from '../../daemon/replay-report.ts'
import { findWire, listWires } from '../../engine/ports.ts'
import { SIGNALLED } from '../exit.ts'
import { type Input, input } from '../inputs.ts'
import { graphFile } from '../options.ts'
import { showProgress } from '../progress.ts'
import { printReplay } from '../replay.ts'

interface Options {
  readonly in?: readonly Input[]
  readonly out?: string
  readonly format: 'pcap' | 'pcapng'
  readonly hook: keyof typeof HOOK
  readonly json?: boolean
}

const HOOK = { tc: 'tc ingress', xdp: 'xdp' } as const

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
    .addOption(new Option('--hook <hook>', 'where the programs run').choices(Object.keys(HOOK)).default('tc'))
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
    .action((file: string, options: Options) => run(command, file, options))
}

async function run(
  command: Command,
  file: string,
  { in: given = [], out, format, hook, json = false }: Options,
): Promise<void> {
  using host = openVirtualHost({ at: HOOK[hook] })
  const graph = await graphFile(file, host.catalogue)
  if (given.length === 0)
    command.error(
      `error: nothing to replay: --in port=file says what arrives where\n${graph.graph.name}: ${listWires(graph.graph)}`,
    )
  if (given.filter(({ file }) => file === '-').length + (file === '-' ? 1 : 0) > 1)
    throw refusal('standard input can be read only once', 'put all but one of its uses into files')
  const inputs = given.map(({ port, file }) => ({ port: findWire(graph.graph, port), file }))
  const stop = new AbortController()
  let code: number | undefined
  for (const [signal, number] of Object.entries(SIGNALLED))
    process.once(signal, () => {
      code = number
      stop.abort()
    })
  using progress = showProgress(process.stderr)
  const replayed = await replay(host, graph, { inputs, out, format, progress: progress.update, signal: stop.signal })
  progress[Symbol.dispose]()
  if (out !== undefined) saveReport(out, replayed)
  const isEmpty = replayed.first === undefined && replayed.incomplete !== undefined
  if (json) console.log(toJson(replayed))
  else if (!isEmpty) console.log(printReplay(replayed))
  if (replayed.incomplete === undefined) return
  if (code === undefined) throw replayed.incomplete
  process.stderr.write(`${replayed.incomplete.message}\n`)
  // Standard input may still be waited for.
  process.exit(code)
}
