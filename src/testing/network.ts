/** A graph file on the virtual machine, with simulated hosts at its ports. */
import { readFileSync } from 'node:fs'
import { openVirtualHost } from '../daemon/host.ts'
import { addInterfaces, plugHosts } from '../daemon/network.ts'
import type { GraphStatus } from '../engine/look/status.ts'
import { readGraph } from '../engine/read/read.ts'
import type { HookPoint } from '../isa/program.ts'
import type { HostOptions, SimulatedHost } from '../vm/host.ts'
import type { VirtualMachine } from '../vm/machine.ts'

export interface Network<N extends string> extends Disposable {
  /** By the names that they were given under. */
  readonly hosts: Readonly<Record<N, SimulatedHost>>
  /** Its clock stands still until it is advanced; interfaces can be taken down, and endpoints of a test's own plugged in. */
  readonly machine: VirtualMachine
  /** Counters, drops and views, as `tessera show` has them. */
  status(): Promise<GraphStatus>
}

/**
 * Opens the network of a graph file. Hosts are named by ports: `alice`, `switch:alice`, or an interface. A Refusal where the graph
 * is wrong, as `tessera apply` has it.
 *
 *     using network = await openNetwork('lan.yaml', { alice: { mac: …, ipv4: '10.0.0.1/24' }, bob: … })
 *     expect(network.hosts.alice.ping('10.0.0.2')).toBe(true)
 */
export async function openNetwork<N extends string>(
  file: string,
  hosts: Readonly<Record<N, HostOptions>>,
  at: HookPoint = 'tc ingress',
): Promise<Network<N>> {
  const { machine, engine, catalogue, [Symbol.dispose]: close } = openVirtualHost({ at })
  try {
    const graph = await readGraph(file, readFileSync(file, 'utf8'), catalogue)
    addInterfaces(machine, graph.graph)
    const plugged = plugHosts(machine, graph.graph, hosts)
    await engine.apply(graph)
    return { hosts: plugged, machine, status: () => engine.status(graph.graph.name), [Symbol.dispose]: close }
  } catch (error) {
    close()
    throw error
  }
}
