import { setTimeout } from 'node:timers/promises'
import type { Client } from '../../api/client.ts'
import type { Output as Answer } from '../../api/routes.ts'
import type { Options } from '../commands/watch.ts'
import { daemonOf } from '../reach.ts'
import { rowsOf, rowsText } from '../rows.ts'
import { openScreen } from '../screen.ts'
import { untilInterrupted } from '../signals.ts'

type Counters = Answer<'getCounters'>[number]

/** A port's counters, and when they were read, in milliseconds. */
interface Look {
  readonly at: number
  readonly ports: ReadonlyMap<string, Counters>
}

export async function top(graph: string | undefined, { interval, count, ...reach }: Options): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using client = daemonOf(reach)
  let before = await look(client, graph)
  using screen = openScreen(process.stdout)
  const most = count ?? (screen.isTerminal ? Number.POSITIVE_INFINITY : 1)
  for (let looks = 1; looks <= most; looks++) {
    await setTimeout(interval * 1000, undefined, { signal: end.signal }).catch(() => {})
    if (end.signal.aborted) return
    const now = await look(client, graph)
    const rows = rowsOf(ratesOf(before, now), 'there is no port', [
      { head: 'port', cell: (row) => row.name },
      { head: 'in packets/s', cell: (row) => row.received.packets },
      { head: 'in bit/s', cell: (row) => inUnits(8 * row.received.bytes) },
      { head: 'out packets/s', cell: (row) => row.sent.packets },
      { head: 'out bit/s', cell: (row) => inUnits(8 * row.sent.bytes) },
      { head: 'drops/s', cell: (row) => row.drops },
      { head: 'why', cell: (row) => row.why },
    ])
    const text = rowsText(rows, false) ?? rows.none
    screen.show(screen.isTerminal ? `${graph ?? 'all graphs'}, every ${interval} s; Ctrl-C ends it\n\n${text}` : text)
    before = now
  }
}

async function look(client: Client, only: string | undefined): Promise<Look> {
  const graphs = only === undefined ? (await client.listGraphs()).body.map(({ name }) => name) : [only]
  const ports = new Map<string, Counters>()
  for (const graph of graphs)
    for (const port of (await client.getCounters({ graph })).body)
      ports.set(`${graph}/${port.instance}.${port.port}`, port)
  return { at: performance.now(), ports }
}

/** Per second, busiest first. A port that was not there before has none yet. */
export function ratesOf(before: Look, now: Look) {
  const seconds = (now.at - before.at) / 1000
  const rate = (after: string, earlier: string) =>
    Math.max(0, Math.round(Number(BigInt(after) - BigInt(earlier)) / seconds))
  const both = (after: Counters['received'], earlier: Counters['received']) => ({
    packets: rate(after.packets, earlier.packets),
    bytes: rate(after.bytes, earlier.bytes),
  })
  const rows = [...now.ports].map(([name, port]) => {
    const earlier = before.ports.get(name) ?? port
    const reasons = Object.entries(port.drops)
      .map(([reason, { packets }]) => [reason, rate(packets, earlier.drops[reason]?.packets ?? '0')] as const)
      .filter(([, packets]) => packets > 0)
    return {
      name,
      received: both(port.received, earlier.received),
      sent: both(port.sent, earlier.sent),
      drops: reasons.reduce((sum, [, packets]) => sum + packets, 0),
      why: reasons.map(([reason, packets]) => `${packets} ${reason}`).join(', '),
    }
  })
  const busy = ({ received, sent }: (typeof rows)[number]) => received.packets + sent.packets
  return rows.sort((a, b) => busy(b) - busy(a) || a.name.localeCompare(b.name))
}

/** `1.5 M`: units of a thousand. */
function inUnits(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T']
  let rest = value
  let unit = 0
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${unit === 0 ? rest : rest.toFixed(1)}${units[unit]}`
}
