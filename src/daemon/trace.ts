/** What happened to packets that were traced, for people. */
import { formatIPv4, formatIPv6, formatMac } from '../base/address.ts'
import type { Sighting, TraceEvent } from '../engine/look/sights.ts'
import type { TracedType } from '../isa/trace.ts'
import { clockTime } from './capture.ts'
import { summarise } from './summary.ts'

/** A packet's way. */
export interface Journey {
  readonly head: Sighting
  readonly events: readonly TraceEvent[]
}

/** Events by the packets that they are of. */
export function journeysOf(heads: readonly Sighting[], events: readonly TraceEvent[]): Journey[] {
  const byTrace = new Map<bigint, TraceEvent[]>()
  for (const event of events) {
    const others = byTrace.get(event.trace)
    if (others === undefined) byTrace.set(event.trace, [event])
    else others.push(event)
  }
  return heads.map((head) => ({ head, events: byTrace.get(head.trace) ?? [] }))
}

/** `isTimed`: its machine has a clock that runs meanwhile. */
export function printJourney({ head, events }: Journey, epoch: bigint, isTimed: boolean): string {
  const { bytes, length, tag, time } = head
  const lines = [`${clockTime(time + epoch)} ${summarise(bytes, length, tag)}`]
  let entered: { readonly instance: string; readonly time: bigint } | undefined
  const leave = (at: bigint): void => {
    if (isTimed && entered !== undefined)
      lines.push(`    ${entered.instance} took ${at - entered.time} ns, with what tracing takes`)
    entered = undefined
  }
  for (const event of events) {
    const { site } = event
    if (site?.kind !== 'counted') {
      lines.push(`    ${describeEvent(event)}`)
      continue
    }
    if (site.sight === 'in') {
      leave(event.time)
      entered = { instance: site.instance, time: event.time }
    }
    lines.push(
      `  ${site.instance}:${event.port} ${COUNTED[site.sight]}${site.reason === undefined ? '' : `: ${site.reason}`}`,
    )
  }
  leave(events.at(-1)?.time ?? time)
  return [...lines, `  ${endOf(events) ?? 'the rest of its way is not known'}`].join('\n')
}

const COUNTED = { in: 'in', out: 'out', drop: 'dropped', punt: 'left to the control plane' } as const

/** Whether it is known what became of it. */
export const hasEnd = (events: readonly TraceEvent[]): boolean => endOf(events) !== undefined

/** Where it left, or why it died. */
function endOf(events: readonly TraceEvent[]): string | undefined {
  const ends = events.flatMap(({ site, port }) => {
    if (site?.kind !== 'counted' || site.sight === 'in') return []
    if (site.sight === 'out' && site.isInside) return []
    if (site.sight === 'out') return [`left by ${site.instance}:${port}`]
    const reason = site.reason === undefined ? '' : ` of ${site.reason}`
    return [
      site.sight === 'drop'
        ? `died at ${site.instance}:${port}${reason}`
        : `left to the control plane of ${site.instance}${reason}`,
    ]
  })
  if (ends.length > 0) return ends.join(', ')
  const last = events.findLast(({ site }) => site?.kind === 'verdict')?.site
  const text = last?.kind === 'verdict' ? last.text : ''
  if (text.includes('next(')) return wentOn(events)
  return text.includes('pass(') ? "went on to the host's stack" : undefined
}

/** Behind the last cube that it met, which is a transparent one. */
function wentOn(events: readonly TraceEvent[]): string {
  const last = events.findLast(({ site }) => site?.kind === 'counted')
  if (last?.site?.kind !== 'counted' || last.on === undefined) return 'went on behind the last transparent cube'
  return `went on behind ${last.site.instance}, ${last.port} of ${last.on}`
}

/** `dataplane.ts:8 isMulticast(ethernet.source): no` */
function describeEvent({ site, first, second }: TraceEvent): string {
  if (site === undefined || site.kind === 'counted') return 'something that this version does not know'
  const place = `${site.line.file}:${site.line.line}`
  switch (site.kind) {
    case 'decision':
      return `${place}  ${site.text}: ${site.outcome ? 'yes' : 'no'}`
    case 'verdict':
      return `${place}  ${site.text}`
    case 'read':
      return `${place}  ${site.field} is ${formatValue(site.as, first, second)}`
    case 'write':
      return site.as === 'ipv6'
        ? `${place}  ${site.field} becomes ${formatValue(site.as, first, second)}`
        : `${place}  ${site.field} was ${formatValue(site.as, first, 0n)}, becomes ${formatValue(site.as, second, 0n)}`
  }
}

function formatValue(as: TracedType, first: bigint, second: bigint): string {
  const bytes = new Uint8Array(BigUint64Array.of(first, second).buffer)
  switch (as) {
    case 'mac':
      return formatMac(bytes.subarray(0, 6))
    case 'ipv4':
      return formatIPv4(bytes.subarray(0, 4))
    case 'ipv6':
      return formatIPv6(bytes)
    case 'bool':
      return first === 0n ? 'false' : 'true'
    case 'int':
      return first < 10n ? String(first) : `${first} (0x${first.toString(16)})`
  }
}
