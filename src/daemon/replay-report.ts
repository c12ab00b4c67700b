/** What a replay counted, as plain JSON. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import type { Count, PortCounters } from '../engine/control/tables.ts'
import type { Replay } from './replay.ts'

/** Writes the report to `counters.json` in a folder. */
export function saveReport(folder: string, replay: Replay): void {
  const file = join(folder, 'counters.json')
  try {
    writeFileSync(file, `${toJson(replay)}\n`)
  } catch (error) {
    throw refusal(`cannot write ${file}: ${error instanceof Error ? error.message : error}`)
  }
}

interface Numbers {
  readonly packets: number
  readonly bytes: number
}

function report({ first, last, inputs, ports, faults, status, incomplete }: Replay): object {
  const all = status.instances.flatMap((instance) => instance.ports)
  const instances = status.instances.map(({ name, cube, ports: counted, views }) => {
    const entries = counted.map((port) => {
      const wire = ports.find((one) => one.instance === name && one.port === port.name)
      return [
        port.name,
        {
          to: port.to,
          ...counts([port]),
          lost: mapCounts(port.lost),
          passed: wire?.passed ?? 0,
          faults: wire?.faults ?? 0,
          left: numbers(wire ?? NONE),
          file: wire?.file,
        },
      ] as const
    })
    return [name, { cube, ports: Object.fromEntries(entries), views }] as const
  })
  return {
    graph: status.name,
    file: status.file,
    hook: status.point,
    complete: incomplete === undefined,
    error: incomplete?.message,
    capture:
      first === undefined || last === undefined
        ? undefined
        : { first: formatTime(first), last: formatTime(last), seconds: Number(last - first) / 1e9 },
    inputs,
    totals: {
      replayed: numbers(sum(inputs)),
      skipped: inputs.reduce((total, { skipped }) => total + skipped, 0),
      ...counts(all),
      passed: ports.reduce((total, { passed }) => total + passed, 0),
      faults: ports.reduce((total, one) => total + one.faults, 0),
      left: numbers(sum(ports)),
    },
    instances: Object.fromEntries(instances),
    faults,
  }
}

/** Numbers of 64 bits as JSON has them. */
export const toJson = (replay: Replay): string =>
  JSON.stringify(report(replay), (_, value) => (typeof value === 'bigint' ? Number(value) : value), 2)

/** RFC 3339, to the nanosecond. */
export function formatTime(nanoseconds: bigint): string {
  const second = 1_000_000_000n
  const part = ((nanoseconds % second) + second) % second
  const whole = new Date(Number((nanoseconds - part) / 1_000_000n)).toISOString().slice(0, -'.000Z'.length)
  return `${whole}.${String(part).padStart(9, '0')}Z`
}

const NONE: Count = { packets: 0n, bytes: 0n }

const numbers = ({ packets, bytes }: Count): Numbers => ({ packets: Number(packets), bytes: Number(bytes) })

const sum = (all: readonly Count[]): Count =>
  all.reduce((total, { packets, bytes }) => ({ packets: total.packets + packets, bytes: total.bytes + bytes }), NONE)

const mapCounts = (all: Readonly<Record<string, Count>>): Readonly<Record<string, Numbers>> =>
  Object.fromEntries(Object.entries(all).map(([name, one]) => [name, numbers(one)]))

/** Of ports together. */
function counts(ports: readonly PortCounters[]) {
  const drops = ports.flatMap((port) => Object.entries(port.drops))
  const reasons = [...new Set(drops.map(([reason]) => reason))]
  const byReason = reasons.map((reason) => [
    reason,
    sum(drops.filter(([other]) => other === reason).map(([, one]) => one)),
  ])
  return {
    received: numbers(sum(ports.map(({ received }) => received))),
    sent: numbers(sum(ports.map(({ sent }) => sent))),
    dropped: numbers(sum(drops.map(([, one]) => one))),
    drops: mapCounts(Object.fromEntries(byReason) as Record<string, Count>),
  }
}
