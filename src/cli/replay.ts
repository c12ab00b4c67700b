/** What a replay came to, for people. */
import type { Replay, ReplayedInput } from '../daemon/replay.ts'
import { printStatus } from './status.ts'
import { bytes, table } from './table.ts'

export function printReplay({ inputs, ports, faults, first, last, status }: Replay): string {
  const packets = inputs.reduce((sum, one) => sum + one.packets, 0n)
  const seconds = first === undefined || last === undefined ? 0 : Number(last - first) / 1e9
  const isWritten = ports.some(({ file }) => file !== undefined)
  const isRemarked = inputs.some((one) => remarks(one) !== '')
  return [
    `replayed ${packets.toLocaleString('en-US')} ${packets === 1n ? 'frame' : 'frames'}, ${seconds.toFixed(3)} s of capture, on the user-space machine`,
    '',
    table(
      ['arrived at', 'frames', 'bytes', 'from', ...(isRemarked ? ['remarks'] : [])],
      inputs.map((one) => [
        ...[one.port, one.packets, bytes(one.bytes), one.file],
        ...(isRemarked ? [remarks(one)] : []),
      ]),
      '  ',
    ),
    '',
    table(
      ['left by', 'frames', 'bytes', ...(isWritten ? ['to'] : [])],
      ports.map((one) => [one.name, one.packets, bytes(one.bytes), ...(isWritten ? [one.file ?? ''] : [])]),
      '  ',
    ),
    '',
    printStatus(status, ROWS),
    ...faults.map(
      ({ port, message, count, frame }) =>
        `\nfault at ${port}, ${count} ${count === 1 ? 'time' : 'times'}, first at frame ${frame}:\n${message}`,
    ),
  ].join('\n')
}

/** Of each view: a capture may have thousands of stations, and counters.json has them all. */
const ROWS = 10

/** What is not as usual. */
function remarks({ truncated, late, skipped }: ReplayedInput): string {
  const parts = [
    [truncated, 'cut by the capture'],
    [late, 'older than one before'],
    [skipped, 'skipped: no Ethernet frame has their length'],
  ] as const
  return parts.flatMap(([count, what]) => (count === 0 ? [] : [`${count.toLocaleString('en-US')} ${what}`])).join(', ')
}
