/** A graph's state for people. */
import type { ControlState, GraphStatus, InstanceStatus, PortStatus } from '../engine/look/status.ts'
import { bytes, records, table } from './table.ts'

const ELSEWHERE = `
  its interfaces are in another network namespace; there, tessera show says how they do (nsenter --net=/run/netns/NAME)`

/** `rows`: how many of each view are shown. */
export function printStatus(
  { name, state, file, point, isElsewhere, instances }: GraphStatus,
  rows: number = Number.POSITIVE_INFINITY,
): string {
  const hint = state === 'applied' ? '' : ` (${state}, and not finished: run it again, or delete it)`
  return [
    `graph ${name}${hint}, by ${point}, from ${file}${isElsewhere ? ELSEWHERE : ''}`,
    ...instances.map((instance) => printInstance(instance, rows)),
  ].join('\n\n')
}

export function printInstance(
  { name, cube, summary, ports, views, control }: InstanceStatus,
  most: number = Number.POSITIVE_INFINITY,
): string {
  const isPunting = ports.some(({ punts }) => Object.keys(punts).length > 0)
  const head = [
    'port',
    'leads to',
    'state',
    'received',
    'bytes',
    'sent',
    'bytes',
    'dropped',
    ...(isPunting ? ['punted'] : []),
  ]
  const rows = ports.map((port) => [
    port.name,
    port.to,
    port.state,
    port.received.packets,
    bytes(port.received.bytes),
    port.sent.packets,
    bytes(port.sent.bytes),
    byReason(port.drops),
    ...(isPunting ? [byReason(port.punts)] : []),
  ])
  const shown = Object.entries(views).flatMap(([title, rows]) => [
    '',
    `  ${title}: ${rows.length === 0 ? 'none' : rows.length}`,
    ...(rows.length === 0 ? [] : [records(rows.slice(0, most), '    ')]),
    ...(rows.length > most ? [`    … and ${(rows.length - most).toLocaleString('en-US')} more`] : []),
  ])
  const lost = ports.flatMap(({ name, lost }) =>
    Object.entries(lost).map(([ring, { packets }]) => ({ port: name, ring, events: packets })),
  )
  if (lost.length > 0) shown.push('', '  lost: nobody read them in time', records(lost, '    '))
  if (control !== undefined) shown.push('', `  control plane: ${describeControl(control)}`)
  return [`  ${name}: ${cube}, ${summary}`, table(head, rows, '    '), ...shown].join('\n')
}

function describeControl({ state, restarts, failure, wait }: ControlState): string {
  if (state === 'absent') return 'nobody runs it; sudo tessera control does'
  const waiting = wait === undefined ? 'to be started anew' : `started anew ${wait} ms after its end`
  const times = restarts === 0 ? [] : [`started anew ${restarts === 1 ? 'once' : `${restarts} times`}`]
  const why = failure === undefined ? [] : [`failed last: ${failure.split('\n')[0]}`]
  return [state === 'waiting' ? waiting : state, ...times, ...why].join(', ')
}

function byReason(counts: PortStatus['drops']): string {
  const parts = Object.entries(counts).map(([reason, { packets }]) => `${packets} ${reason}`)
  return parts.length === 0 ? '0' : parts.join(', ')
}
