import { existsSync } from 'node:fs'
import { follow } from '../../daemon/follow.ts'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { Looking } from '../../daemon/looking.ts'
import { journeysOf, printJourney } from '../../daemon/trace.ts'
import { traceReplay } from '../../daemon/trace-replay.ts'
import { findWire } from '../../engine/ports.ts'
import type { LookRequest, Sighting } from '../../engine/sights.ts'
import type { Options } from '../commands/trace.ts'
import { filterOf } from '../filter-of.ts'
import { graphFile } from '../graph-file.ts'
import type { Input } from '../inputs.ts'
import { untilInterrupted } from '../signals.ts'

/** Of each packet: what a line tells of it. */
const HEADERS = 128
/** Milliseconds in which a program has told all of a packet. */
const WHOLE = 20

export async function trace(
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
