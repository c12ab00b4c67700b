import type { Client } from '../../api/client.ts'
import { epochOf } from '../../daemon/capture.ts'
import { filterOf } from '../../daemon/filter.ts'
import { openKernelHost, openVirtualHost } from '../../daemon/host.ts'
import { followJourneys } from '../../daemon/journeys.ts'
import { Looking } from '../../daemon/looking.ts'
import { printJourney } from '../../daemon/trace.ts'
import { traceReplay } from '../../daemon/trace-replay.ts'
import { findWire } from '../../engine/graph/ports.ts'
import type { LookRequest } from '../../engine/look/sights.ts'
import type { Options } from '../commands/trace.ts'
import { nameOf, onlySource } from '../documents.ts'
import { askedOf, type FilterOptions } from '../filter.ts'
import type { Input } from '../inputs.ts'
import { daemonIfThere } from '../reach.ts'
import { untilInterrupted } from '../signals.ts'

/** Of each packet: what a line tells of it. */
const HEADERS = 128

export async function trace(which: string, words: string | undefined, options: Options): Promise<void> {
  const { count = Number.POSITIVE_INFINITY, in: inputs = [], ...given } = options
  const filters = words === undefined ? given : { ...given, filter: words }
  if (inputs.length > 0) return replayed(which, await requestOf(filters), inputs, count)
  using client = await daemonIfThere(options)
  return client === undefined
    ? here(which, await requestOf(filters), count)
    : byDaemon(client, which, filters, options.count)
}

const requestOf = async (filters: FilterOptions): Promise<LookRequest> => ({
  where: [],
  filter: await filterOf(filters),
  snapshot: HEADERS,
  trace: true,
})

async function byDaemon(
  client: Client,
  which: string,
  filters: FilterOptions,
  count: number | undefined,
): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  const graph = await nameOf(which)
  const request = { graph, ...(count === undefined ? {} : { count }), ...askedOf(filters) }
  const { body } = await client.traceGraph(request, { signal: end.signal })
  process.stderr.write(`tracing ${graph}; Ctrl-C ends it\n`)
  let seen = 0
  let unread = '0'
  try {
    for await (const { text, lost } of body) {
      seen++
      unread = lost
      console.log(`${text}\n`)
    }
  } catch (error) {
    if (!end.signal.aborted) throw error
  }
  process.stderr.write(
    `${packets(seen)}${unread === '0' ? '' : `; ${unread} events were lost: nobody took them in time`}\n`,
  )
}

const packets = (seen: number): string => `${seen} ${seen === 1 ? 'packet' : 'packets'}`

async function here(which: string, request: LookRequest, count: number): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using host = openKernelHost()
  const name = await nameOf(which)
  const looking = await Looking.open(host, name, request)
  const epoch = epochOf(host.machine)
  let seen = 0
  try {
    process.stderr.write(`tracing ${name}; Ctrl-C ends it\n`)
    await followJourneys(looking, {
      count,
      tell(journey) {
        seen++
        console.log(`${printJourney(journey, epoch, true)}\n`)
      },
      changed: () => void process.stderr.write(`${name} was changed; tracing it as it is now\n`),
      signal: end.signal,
    })
  } finally {
    const { lost } = looking
    await looking.close()
    process.stderr.write(
      `${packets(seen)}${lost === 0n ? '' : `; ${lost} events were lost: nobody took them in time`}\n`,
    )
  }
}

/** Without root: the graph on the user-space machine, and packets of captures. */
async function replayed(file: string, request: LookRequest, inputs: readonly Input[], count: number): Promise<void> {
  using host = openVirtualHost()
  const graph = await (await onlySource(file)).read(host.catalogue)
  const given = inputs.map(({ port, file }) => ({ port: findWire(graph.graph, port), file }))
  let seen = 0
  await traceReplay(host, graph, given, request, (journey, epoch) => {
    console.log(`${printJourney(journey, epoch, false)}\n`)
    return ++seen < count
  })
  process.stderr.write(`${packets(seen)}\n`)
}
