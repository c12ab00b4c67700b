/** A graph tried out on the user-space machine: a simulated host behind every port, and every pair of them talking. */
import { formatMac } from '../base/address.ts'
import { equal } from '../base/bytes.ts'
import type { GraphFile } from '../engine/graph/graph.ts'
import { wiresOf } from '../engine/graph/ports.ts'
import type { GraphStatus } from '../engine/look/status.ts'
import type { Action } from '../engine/plan/plan.ts'
import type { SimulatedHost } from '../vm/host.ts'
import type { VirtualMachine } from '../vm/machine.ts'
import type { Host } from './host.ts'
import { addInterfaces, plugHosts } from './network.ts'

export interface Rehearsal {
  readonly actions: readonly Action[]
  readonly hosts: readonly RehearsalHost[]
  readonly exchanges: readonly Exchange[]
  /** Undefined in a dry run. */
  readonly status: GraphStatus | undefined
}

export interface RehearsalHost {
  readonly name: string
  readonly mac: string
  readonly ipv4: string
  readonly ipv6: string
}

/** One host asks another one. */
export interface Exchange {
  readonly kind: keyof typeof EXCHANGES
  readonly from: string
  readonly to: string
  readonly version: 4 | 6
  readonly answered: boolean
}

/** More hosts than this do not all ask each other, as there would be too many pairs; every one still asks its next. */
const EVERY_PAIR = 16

const ECHO_PORT = 7
const TEXT = new TextEncoder().encode('Does what is sent come back?')

/** Whether an address answers. */
const EXCHANGES = {
  ping: (host: SimulatedHost, to: string) => host.ping(to),
  udp: (host: SimulatedHost, to: string) => equal(host.udp(to, ECHO_PORT, TEXT) ?? new Uint8Array(), TEXT),
  tcp: (host: SimulatedHost, to: string) => {
    const connection = host.connect(to, ECHO_PORT)
    if (connection?.send(TEXT) !== true) return false
    connection.close()
    return equal(connection.received, TEXT) && connection.state === 'time-wait'
  },
} as const

const KINDS = ['ping', 'udp', 'tcp'] as const

export async function rehearse(
  { machine, engine }: Host<VirtualMachine>,
  file: GraphFile,
  { dryRun = false } = {},
): Promise<Rehearsal> {
  const hosts = wiresOf(file.graph).map(({ name }, index) => describeHost(name, index))
  addInterfaces(machine, file.graph)
  if (dryRun) return { actions: (await engine.plan(file)).actions, hosts, exchanges: [], status: undefined }
  const options = hosts.map(
    ({ name, mac, ipv4, ipv6 }) => [name, { mac, ipv4: `${ipv4}/16`, ipv6: `${ipv6}/64` }] as const,
  )
  const plugged = plugHosts(machine, file.graph, Object.fromEntries(options))
  const { actions } = await engine.apply(file)
  const exchanges = pairsOf(hosts).flatMap(([from, to]) =>
    KINDS.flatMap((kind) =>
      ([4, 6] as const).map((version): Exchange => {
        const host = plugged[from.name]
        const answered = host !== undefined && EXCHANGES[kind](host, version === 4 ? to.ipv4 : to.ipv6)
        return { kind, from: from.name, to: to.name, version, answered }
      }),
    ),
  )
  return { actions, hosts, exchanges, status: await engine.status(file.graph.name) }
}

const pairsOf = (hosts: readonly RehearsalHost[]): (readonly [RehearsalHost, RehearsalHost])[] =>
  hosts.flatMap((from, i) =>
    hosts
      .filter((_, j) => i !== j && (hosts.length <= EVERY_PAIR || j === (i + 1) % hosts.length))
      .map((to) => [from, to] as const),
  )

/** Locally administered and private addresses, numbered: 10.77.0.1 and fd77::1 are the first. */
function describeHost(name: string, index: number): RehearsalHost {
  const number = index + 1
  return {
    name,
    mac: formatMac(Uint8Array.of(0x02, 0, 0, 0, number >> 8, number)),
    ipv4: `10.77.${number >> 8}.${number & 0xff}`,
    ipv6: `fd77::${number.toString(16)}`,
  }
}
