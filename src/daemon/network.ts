/** A network in user space: the interfaces of a graph, with simulated hosts at the other ends of their wires. */
import { formatMac } from '../base/address.ts'
import { type Graph, interfaceText } from '../engine/graph/graph.ts'
import { findWire, interfacesOf } from '../engine/graph/ports.ts'
import { type HostOptions, SimulatedHost } from '../vm/host.ts'
import type { VirtualMachine } from '../vm/machine.ts'

/** Gives the machine every interface that the graph names. */
export function addInterfaces(machine: VirtualMachine, graph: Graph): void {
  for (const [index, one] of interfacesOf(graph).entries())
    machine.addInterface(interfaceText(one), { mac: formatMac(Uint8Array.of(0x02, 0x01, 0, 0, index >> 8, index)) })
}

/** Plugs hosts in, by the names of ports. Ports without a host lead nowhere. */
export function plugHosts<N extends string>(
  machine: VirtualMachine,
  graph: Graph,
  hosts: Readonly<Record<N, HostOptions>>,
): Readonly<Record<N, SimulatedHost>> {
  const plugged = Object.entries<HostOptions>(hosts).map(([name, options]) => {
    const host = new SimulatedHost(options)
    machine.plug(findWire(graph, name).interface, host)
    return [name, host] as const
  })
  return Object.fromEntries(plugged) as Record<N, SimulatedHost>
}
