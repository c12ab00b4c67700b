import type { Client } from '../../api/client.ts'
import { refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import { CaptureSink, clockTime, describePacket, epochOf, openCapture } from '../../daemon/capture.ts'
import { filterOf } from '../../daemon/filter.ts'
import { follow } from '../../daemon/follow.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { Looking } from '../../daemon/looking.ts'
import { summarise } from '../../daemon/summary.ts'
import { SIGHTS, type Sight } from '../../isa/trace.ts'
import { type CapturedFrame, CaptureReader } from '../../pcap/index.ts'
import type { Options } from '../commands/capture.ts'
import { nameOf } from '../documents.ts'
import { askedOf } from '../filter.ts'
import { daemonIfThere } from '../reach.ts'
import { untilInterrupted } from '../signals.ts'

/** Lines tell no more of a packet than its headers do. */
const HEADERS = 128

export async function capture(which: string, where: readonly string[], options: Options): Promise<void> {
  using client = await daemonIfThere(options)
  return client === undefined ? here(which, where, options) : byDaemon(client, which, where, options)
}

/** What a daemon captures: as it comes, or as lines. */
async function byDaemon(
  client: Client,
  which: string,
  where: readonly string[],
  { direction, count, snapshot, write, ...filters }: Options,
): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  const graph = await nameOf(which)
  const bytes = snapshot ?? (write === undefined ? HEADERS : undefined)
  const request = {
    graph,
    ...(where.length === 0 ? {} : { ports: where.join(',') }),
    ...(direction === undefined ? {} : { sights: sightsOf(direction).join(',') }),
    ...(count === undefined ? {} : { count }),
    ...(bytes === undefined ? {} : { snapshot: bytes }),
    ...askedOf(filters),
  }
  using file = write === undefined ? undefined : openCapture(write)
  const { body } = await client.captureGraph(request, { signal: end.signal })
  process.stderr.write(`looking at ${graph}; Ctrl-C ends it\n`)
  const reader = new CaptureReader(graph, { comments: true })
  let seen = 0
  try {
    for await (const chunk of body) {
      file?.put(chunk)
      for (const frame of reader.push(chunk)) {
        seen++
        if (file === undefined) console.log(describeFrame(frame))
      }
    }
  } catch (error) {
    if (!end.signal.aborted) throw error
  } finally {
    process.stderr.write(`${seen} ${seen === 1 ? 'packet' : 'packets'}\n`)
  }
}

const describeFrame = ({ time, bytes, length, comment = '' }: CapturedFrame): string =>
  `${clockTime(time)} ${comment}: ${summarise(bytes, length)}`

async function here(
  which: string,
  where: readonly string[],
  { direction, count = Number.POSITIVE_INFINITY, snapshot, write, ...filters }: Options,
): Promise<void> {
  const filter = await filterOf(filters)
  const sights = direction === undefined ? undefined : sightsOf(direction)
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using host = openKernelHost()
  const name = await nameOf(which)
  const request = { where, sights, filter, snapshot: snapshot ?? (write === undefined ? HEADERS : undefined) }
  const looking = await Looking.open(host, name, request)
  const epoch = epochOf(host.machine)
  let seen = 0
  try {
    using sink = write === undefined ? undefined : new CaptureSink(write, epoch)
    process.stderr.write(`looking at ${name}; Ctrl-C ends it\n`)
    await follow(looking, {
      take(sighting) {
        seen++
        if (sink === undefined) console.log(describePacket(sighting, epoch))
        else sink.write(sighting)
        return seen < count
      },
      changed: () => void process.stderr.write(`${name} was changed; looking at it as it is now\n`),
      signal: end.signal,
    })
    sink?.finish(BigInt(seen), looking.lost)
  } finally {
    const { lost } = looking
    await looking.close()
    process.stderr.write(
      `${seen} ${seen === 1 ? 'packet' : 'packets'}${lost === 0n ? '' : `; ${lost} more were lost: nobody took them in time`}\n`,
    )
  }
}

function sightsOf(text: string): readonly Sight[] {
  return text.split(',').map((word) => {
    const found = SIGHTS.find((one) => one === word.trim())
    if (found === undefined) throw refusal(`--direction knows no ${JSON.stringify(word)}`, suggestion(word, SIGHTS))
    return found
  })
}
