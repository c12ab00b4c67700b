import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { follow } from '../../daemon/follow.ts'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { Looking } from '../../daemon/looking.ts'
import { journeysOf, printJourney } from '../../daemon/trace.ts'
import { traceReplay } from '../../daemon/trace-replay.ts'
import { findWire } from '../../engine/ports.ts'
import type { LookRequest, Sighting } from '../../engine/sights.ts'
import { type FilterOptions, filterHelp, filterOf, number, withFilter } from '../filter.ts'
import { type Input, input } from '../inputs.ts'
import { graphFile } from '../options.ts'
import { untilInterrupted } from '../signals.ts'

interface Options extends FilterOptions {
  readonly count?: number
  readonly in?: readonly Input[]
}

/** Of each packet: what a line tells of it. */
const HEADERS = 128
/** Milliseconds in which a program has told all of a packet. */
const WHOLE = 20

export const traceCommand = (): Command =>
  withFilter(
    new Command('trace')
      .description('Follow packets through the cubes of a graph: each decision with its line, fields, and how it ends.')
      .argument('<graph>', 'the name of a graph that runs, or its file')
      .argument('[filter]', "which packets, in tcpdump's words, as they arrive"),
  )
    .option('-c, --count <packets>', 'end after so many', number(Number.MAX_SAFE_INTEGER))
    .option('-i, --in <port=file>', 'on the user-space machine: packets of this capture arrive at a port', input)
    .addHelpText(
      'after',
      `${filterHelp}

The programs of the graph are compiled with what tells of packets while this runs, and without it before and afterwards. Times
are of programs that tell: without that they take a fraction. Functions are compiled in, to be followed, too.

Examples:
  sudo tessera trace office 'tcp port 80' -c 1
  sudo tessera trace office --source 10.0.0.1
  tessera trace office.yaml --in alice=alice.pcap`,
    )
    .action(run)

async function run(
  which: string,
  words: string | undefined,
  { count = Number.POSITIVE_INFINITY, in: inputs = [], ...filters }: Options,
): Promise<void> {
  const filter = filterOf(words === undefined ? filters : { ...filters, filter: words })
  const request: LookRequest = { where: [], filter, snapshot: HEADERS, trace: true }
  if (inputs.length > 0) return replayed(which, request, inputs, count)
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using host = openKernelHost()
  const name = existsSync(which) ? (await graphFile(which, host.catalogue)).graph.name : which
  const looking = await Looking.open(host, name, request)
  const epoch = BigInt(Date.now()) * 1_000_000n - host.machine.now()
  let seen = 0
  const print = (heads: readonly Sighting[]): void => {
    for (const journey of journeysOf(heads, looking.takeEvents()))
      console.log(`${printJourney(journey, epoch, true)}\n`)
  }
  try {
    process.stderr.write(`tracing ${name}; Ctrl-C ends it\n`)
    let waiting: Sighting[] = []
    let timer: NodeJS.Timeout | undefined
    const flush = (): void => {
      timer = undefined
      const heads = waiting.splice(0)
      print(heads)
    }
    await follow(looking, {
      take(sighting) {
        if (seen >= count) return false
        seen++
        waiting.push(sighting)
        timer ??= setTimeout(flush, WHOLE)
        return seen < count
      },
      changed: () => void process.stderr.write(`${name} was changed; tracing it as it is now\n`),
      signal: end.signal,
    })
    clearTimeout(timer)
    // What it has begun to tell, it tells to its end.
    await new Promise((resolve) => setTimeout(resolve, WHOLE))
    flush()
    waiting = []
  } finally {
    const { lost } = looking
    await looking.close()
    process.stderr.write(
      `${seen} ${seen === 1 ? 'packet' : 'packets'}${lost === 0n ? '' : `; ${lost} events were lost: nobody took them in time`}\n`,
    )
  }
}

/** Without root: the graph on the user-space machine, and packets of captures. */
async function replayed(file: string, request: LookRequest, inputs: readonly Input[], count: number): Promise<void> {
  using host = openVirtualHost()
  const graph = await graphFile(file, host.catalogue)
  const given = inputs.map(({ port, file }) => ({ port: findWire(graph.graph, port), file }))
  let seen = 0
  await traceReplay(host, graph, given, request, (journey, epoch) => {
    console.log(`${printJourney(journey, epoch, false)}\n`)
    return ++seen < count
  })
  process.stderr.write(`${seen} ${seen === 1 ? 'packet' : 'packets'}\n`)
}
