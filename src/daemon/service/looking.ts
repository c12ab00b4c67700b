/** Packets of a graph for somebody far away: what happens to them, and themselves. */
import { refuse } from '../../api/problem.ts'
import type { Input, Output } from '../../api/routes.ts'
import { suggestion } from '../../base/suggest.ts'
import type { LookRequest } from '../../engine/look/sights.ts'
import { SIGHTS, type Sight } from '../../isa/trace.ts'
import { AnnotatedWriter } from '../../pcap/index.ts'
import { epochOf, frameOf, remarksOf } from '../capture.ts'
import { type Asked, filterOf } from '../filter.ts'
import { follow } from '../follow.ts'
import { followJourneys } from '../journeys.ts'
import { Looking } from '../looking.ts'
import { summarise } from '../summary.ts'
import { type Journey as Followed, printJourney } from '../trace.ts'
import type { Handlers } from './handlers.ts'
import type { Parts } from './parts.ts'
import { type Push, pushed } from './pushed.ts'
import { runningGraph } from './running.ts'

type Journey = Output<'traceGraph'> extends AsyncIterable<infer J> ? J : never

/** Of each packet that is traced: what a line tells of it. */
const HEADERS = 128
/** Items that wait for a reader who is slow; more are lost, and counted. */
const WAITING = 1_000

export function lookingHandlers(parts: Parts) {
  const open = async (graph: string, request: LookRequest): Promise<{ looking: Looking; epoch: bigint }> => {
    await runningGraph(parts, graph)
    const looking = await Looking.open(parts, graph, request)
    return { looking, epoch: epochOf(parts.machine) }
  }
  return {
    traceGraph: async ({ graph, count = Number.POSITIVE_INFINITY, ...asked }, { signal }) => {
      const request = { where: [], snapshot: HEADERS, trace: true, ...(await filtered(asked)) }
      const { looking, epoch } = await open(graph, request)
      return pushed<Journey>({ signal, most: WAITING }, (push) => traced(looking, epoch, count, push))
    },
    captureGraph: async (input, { signal }) => {
      const { graph, count = Number.POSITIVE_INFINITY } = input
      const { looking, epoch } = await open(graph, await requestOf(input))
      return pushed<Uint8Array>({ signal, most: WAITING }, (push) => captured(looking, epoch, count, push))
    },
  } satisfies Partial<Handlers>
}

async function filtered(asked: Asked): Promise<Pick<LookRequest, 'filter'>> {
  const filter = await filterOf(asked)
  return filter === undefined ? {} : { filter }
}

const words = (text: string): readonly string[] => text.split(',').map((word) => word.trim())

async function requestOf({ ports, sights, snapshot, ...asked }: Input<'captureGraph'>): Promise<LookRequest> {
  return {
    where: ports === undefined ? [] : words(ports),
    ...(sights === undefined ? {} : { sights: words(sights).map(sightNamed) }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(await filtered(asked)),
  }
}

function sightNamed(word: string): Sight {
  const found = SIGHTS.find((one) => one === word)
  if (found === undefined) throw refuse(400, `sights knows no ${JSON.stringify(word)}`, suggestion(word, SIGHTS))
  return found
}

async function traced(
  looking: Looking,
  epoch: bigint,
  count: number,
  { signal, put, hasRoom }: Push<Journey>,
): Promise<void> {
  let unread = 0n
  const tell = (journey: Followed): void => {
    const { time, bytes, length, tag } = journey.head
    if (!hasRoom()) return void unread++
    put({
      time: String(time + epoch),
      packet: summarise(bytes, length, tag),
      text: printJourney(journey, epoch, true),
      lost: String(looking.lost + unread),
    })
  }
  try {
    await followJourneys(looking, { count, tell, changed: () => {}, signal })
  } finally {
    await looking.close()
  }
}

async function captured(
  looking: Looking,
  epoch: bigint,
  count: number,
  { signal, put, hasRoom }: Push<Uint8Array>,
): Promise<void> {
  let seen = 0
  let unread = 0n
  let last: { readonly name: string; readonly time: bigint } | undefined
  // What the writer hands out is its own.
  const writer = new AnnotatedWriter({ application: 'tessera', sink: (bytes) => put(bytes.slice()) })
  try {
    await follow(looking, {
      take(sighting) {
        seen++
        if (!hasRoom()) {
          unread++
          return seen < count
        }
        const name = `${sighting.instance}:${sighting.port}`
        const frame = frameOf(sighting, epoch)
        writer.write(frame, name, remarksOf(sighting))
        last = { name, time: frame.time }
        return seen < count
      },
      changed: () => {},
      signal,
    })
    const lost = looking.lost + unread
    if (last !== undefined) writer.count(last.name, last.time, BigInt(seen) + looking.lost, lost)
  } finally {
    await looking.close()
  }
}
