/** What packets of control planes meet: a way in at every port of their instances, where packets arrive, and where they are sent. */
import { hookAt } from '../../isa/program.ts'
import type { Instance, Port } from '../graph/graph.ts'
import {
  arriving,
  type GraphEntry,
  type MetNode,
  type NodeName,
  portNode,
  type Topology,
  topology,
} from '../graph/nodes.ts'
import type { AssemblyOptions } from './assemblies.ts'

export interface GateTopology extends Topology {
  /** Ports at which what arrives meets the program of an interface. */
  readonly direct: readonly { readonly instance: string; readonly port: Port }[]
}

/** Instances that have a control plane which does something. */
export const activeOf = ({ graph, active }: Pick<AssemblyOptions, 'graph' | 'active'>): readonly Instance[] =>
  graph.instances.filter(({ name }) => active?.has(name))

export function gateTopology({ graph, point, active }: AssemblyOptions): GateTopology {
  const met = topology(graph, 'tc ingress')
  const nodes = new Map(met.nodes)
  const entries: GraphEntry[] = []
  const direct: { instance: string; port: Port }[] = []
  for (const instance of activeOf({ graph, active })) {
    for (const port of instance.ports) {
      const entry = { instance: instance.name, port: port.name, on: NOWHERE, point: 'tc ingress' } as const
      const sent = leaving(met, instance, port)
      nodes.set(sent.name, sent)
      entries.push({ ...entry, node: sent.name })
      // At TC, what arrives at an interface meets the program that is there; the one at XDP would not be asked.
      if (hookAt(point) === 'tc' && port.link !== undefined && port.link.to !== 'port')
        direct.push({ instance: instance.name, port })
      else entries.push({ ...entry, node: arriving(instance.name, port) })
    }
  }
  return { nodes, entries, direct }
}

/** They come from no interface. */
const NOWHERE = { interface: '' } as const

/** What the data plane has sent by a port, and nothing else. */
function leaving({ nodes }: Topology, instance: Instance, port: Port): MetNode {
  const name: NodeName = `${instance.name}.${port.name} sent`
  const ways = nodes.get(portNode(instance.name, port.name))?.ways ?? []
  return {
    name,
    instance,
    port,
    direction: undefined,
    sends: port.name,
    ways: ways.filter((way) => way.port === port.name),
  }
}
