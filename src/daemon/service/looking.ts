/** Packets of a graph for somebody far away: what happens to them, and themselves. */
import { refuse } from '../../api/problem.ts'
import type { Input, Output } from '../../api/routes.ts'
import { suggestion } from '../../base/suggest.ts'
import type { LookRequest, Sighting } from '../../engine/sights.ts'
import { SIGHTS, type Sight } from '../../isa/trace.ts'
import { AnnotatedWriter } from '../../pcap/index.ts'
import { frameOf, remarksOf } from '../capture.ts'
import { type Asked, filterOf } from '../filter.ts'
import { follow } from '../follow.ts'
import { Looking } from '../looking.ts'
import { summarise } from '../summary.ts'
import { journeysOf, printJourney } from '../trace.ts'
import type { Handlers } from './handlers.ts'
import type { Parts } from './parts.ts'
import { type Push, pushed } from './pushed.ts'
import { runningGraph } from './running.ts'

type Journey = Output<'traceGraph'> extends AsyncIterable<infer J> ? J : never

/** Of each packet that is traced: what a line tells of it. */
const HEADERS = 128
/** Milliseconds in which a program has told all of a packet. */
const WHOLE = 20
/** Items that wait for a reader who is slow; more are lost, and counted. */
const WAITING = 1_000

export function lookingHandlers(parts: Parts) {
  const open = async (graph: string, request: LookRequest): Promise<{ looking: Looking; epoch: bigint }> => {
    await runningGraph(parts, graph)
    const looking = await Looking.open(parts, graph, request)
    return { looking, epoch: BigInt(Date.now()) * 1_000_000n - parts.machine.now() }
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
  let seen = 0
  let unread = 0n
  let waiting: Sighting[] = []
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    timer = undefined
    const heads = waiting
    waiting = []
    for (const journey of journeysOf(heads, looking.takeEvents())) {
      const { time, bytes, length, tag } = journey.head
      const text = printJourney(journey, epoch, true)
      if (!hasRoom()) unread++
      else
        put({
          time: String(time + epoch),
          packet: summarise(bytes, length, tag),
          text,
          lost: String(looking.lost + unread),
        })
    }
  }
  try {
    await follow(looking, {
      take(sighting) {
        if (seen >= count) return false
        seen++
        waiting.push(sighting)
        timer ??= setTimeout(flush, WHOLE)
        return seen < count
      },
      changed: () => {},
      signal,
    })
    clearTimeout(timer)
    // What it has begun to tell, it tells to its end.
    await new Promise((resolve) => setTimeout(resolve, WHOLE))
    flush()
  } finally {
    clearTimeout(timer)
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
