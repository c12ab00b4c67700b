/** A graph tried out on the user-space machine: a simulated host behind every port, and a ping between every pair. */
import { formatMac } from '../base/address.ts'
import type { GraphStatus } from '../engine/engine.ts'
import type { GraphFile } from '../engine/graph.ts'
import type { Action } from '../engine/plan.ts'
import { SimulatedHost } from '../vm/host.ts'
import type { VirtualMachine } from '../vm/machine.ts'
import type { Host } from './host.ts'

export interface Rehearsal {
  readonly actions: readonly Action[]
  readonly hosts: readonly RehearsalHost[]
  readonly pings: readonly Ping[]
  /** Undefined in a dry run. */
  readonly status: GraphStatus | undefined
}

export interface RehearsalHost {
  readonly name: string
  readonly mac: string
  readonly ipv4: string
  readonly ipv6: string
}

export interface Ping {
  readonly from: string
  readonly to: string
  readonly version: 4 | 6
  readonly answered: boolean
}

/** More hosts than this do not ping each other, as there would be too many pairs; every one still pings its next. */
const EVERY_PAIR = 16

export async function rehearse(
  { machine, engine }: Host<VirtualMachine>,
  file: GraphFile,
  { dryRun = false } = {},
): Promise<Rehearsal> {
  const ports = file.graph.instances.flatMap((instance) => instance.ports)
  const peers = ports.map((port, index) => {
    const described = describeHost(port.name, index)
    machine.addInterface(port.interface, { mac: mac(0x01, index) })
    const host = new SimulatedHost({ mac: described.mac, ipv4: `${described.ipv4}/16`, ipv6: `${described.ipv6}/64` })
    machine.plug(port.interface, host)
    return { ...described, host }
  })
  const hosts = peers.map(({ host: _, ...described }) => described)
  if (dryRun) return { actions: (await engine.plan(file)).actions, hosts, pings: [], status: undefined }
  const { actions } = await engine.apply(file)
  const pings = peers.flatMap((from, i) =>
    peers
      .filter((_, j) => i !== j && (peers.length <= EVERY_PAIR || j === (i + 1) % peers.length))
      .flatMap((to): Ping[] =>
        ([4, 6] as const).map((version) => ({
          from: from.name,
          to: to.name,
          version,
          answered: from.host.ping(version === 4 ? to.ipv4 : to.ipv6),
        })),
      ),
  )
  return { actions, hosts, pings, status: await engine.status(file.graph.name) }
}

const mac = (kind: number, index: number): string =>
  formatMac(Uint8Array.of(0x02, kind, 0, 0, index >> 8, index & 0xff))

/** Locally administered and private addresses, numbered: 10.77.0.1 and fd77::1 are the first. */
function describeHost(name: string, index: number): RehearsalHost {
  const number = index + 1
  return {
    name,
    mac: mac(0x00, number),
    ipv4: `10.77.${number >> 8}.${number & 0xff}`,
    ipv6: `fd77::${number.toString(16)}`,
  }
}
