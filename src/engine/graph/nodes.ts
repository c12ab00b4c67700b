/**
 * What packets meet in a graph, before anything is compiled: nodes, which are data planes as packets meet them that come by one
 * port or in one direction; ways from one to another; and entries, where packets come in.
 */
import type { AttachPoint } from '../../isa/program.ts'
import { type Graph, type Instance, type InterfaceName, interfaceText, type Port } from './graph.ts'

/** `switch.alice`, or `guard ingress` of a transparent instance. */
export type NodeName = string

export type Destination =
  | { readonly to: 'node'; readonly node: NodeName }
  | { readonly to: 'interface'; readonly on: InterfaceName }
  /** The host's own stack, as if it had arrived at the interface. */
  | { readonly to: 'host'; readonly interface: string }
  /** On its way as if there were no program: of transparent cubes on an interface of something else. */
  | { readonly to: 'on' }
  | { readonly to: 'nowhere' }

export interface MetNode {
  readonly name: NodeName
  readonly instance: Instance
  /** The port that packets come in by; a transparent instance has none. */
  readonly port: Port | undefined
  /** Nothing is decided here: all packets are sent by this port, and did not come by any. */
  readonly sends?: string | undefined
  /** Of what passes a transparent instance. */
  readonly direction: 'ingress' | 'egress' | undefined
  /** Where each port of the instance leads, by its name; of a transparent one, where it goes on. */
  readonly ways: readonly { readonly port: string; readonly leads: Destination }[]
}

export interface GraphEntry {
  /** Of the instance and port that it belongs to, or of an interface of something else. */
  readonly instance: string
  readonly port: string
  readonly on: InterfaceName
  readonly point: AttachPoint
  readonly node: NodeName
}

export interface Topology {
  readonly nodes: ReadonlyMap<NodeName, MetNode>
  readonly entries: readonly GraphEntry[]
}

/** Stands for an instance in the paths of what belongs to interfaces of something else. No instance has such a name. */
export const INTERFACES = '+interfaces'

export const portNode = (instance: string, port: string): NodeName => `${instance}.${port}`
const passing = (instance: string, direction: 'ingress' | 'egress'): NodeName => `${instance} ${direction}`

/** `point`: where the programs of ports that lead to interfaces are. */
export function topology(graph: Graph, point: AttachPoint): Topology {
  return new TopologyBuilder(graph, point).build()
}

class TopologyBuilder {
  private readonly graph: Graph
  private readonly point: AttachPoint
  private readonly instances: ReadonlyMap<string, Instance>
  private readonly nodes = new Map<NodeName, MetNode>()
  private readonly entries: GraphEntry[] = []

  constructor(graph: Graph, point: AttachPoint) {
    this.graph = graph
    this.point = point
    this.instances = new Map(graph.instances.map((instance) => [instance.name, instance]))
  }

  build(): Topology {
    for (const instance of this.graph.instances) {
      // All ports of an instance lead where they lead, whichever a packet came in by.
      const ways = instance.ports.map((port) => ({ port: port.name, leads: leaving(port, this.beyond(port)) }))
      for (const port of instance.ports) this.addPort(instance, port, ways)
    }
    for (const on of this.graph.interfaces) {
      this.addWays(on.through, { to: 'on' }, { to: 'on' })
      const [outer, inner] = [on.through[0] ?? '', on.through.at(-1) ?? '']
      const entry = { instance: INTERFACES, port: interfaceText(on), on }
      this.entries.push({ ...entry, point: 'tc ingress', node: passing(outer, 'ingress') })
      this.entries.push({ ...entry, point: 'tc egress', node: passing(inner, 'egress') })
    }
    return { nodes: this.nodes, entries: this.entries }
  }

  private addPort(instance: Instance, port: Port, ways: MetNode['ways']): void {
    const name = portNode(instance.name, port.name)
    this.nodes.set(name, { name, instance, port, direction: undefined, ways })
    this.addWays(port.through, { to: 'node', node: name }, this.beyond(port))
    const { link } = port
    const entry = { instance: instance.name, port: port.name, node: arriving(instance.name, port) }
    if (link?.to === 'interface') this.entries.push({ ...entry, on: link, point: this.point })
    if (link?.to === 'host') this.entries.push({ ...entry, on: { interface: link.interface }, point: 'tc egress' })
  }

  /** Of transparent instances, from the outermost on: what is behind them in each direction. */
  private addWays(through: readonly string[], inside: Destination, outside: Destination): void {
    for (const [index, name] of through.entries()) {
      const instance = this.instances.get(name)
      if (instance === undefined) continue
      const [inner, outer] = [through[index + 1], through[index - 1]]
      for (const [direction, next, last] of [
        ['ingress', inner, inside],
        ['egress', outer, outside],
      ] as const) {
        const leads = next === undefined ? last : ({ to: 'node', node: passing(next, direction) } as const)
        const node = passing(name, direction)
        this.nodes.set(node, { name: node, instance, port: undefined, direction, ways: [{ port: '', leads }] })
      }
    }
  }

  /** What a port leads to, behind its own transparent instances. */
  private beyond({ link }: Port): Destination {
    switch (link?.to) {
      case undefined:
        return { to: 'nowhere' }
      case 'interface':
        return { to: 'interface', on: link }
      case 'host':
        return link
      case 'port': {
        const other = this.instances.get(link.instance)?.ports.find(({ name }) => name === link.port)
        if (other === undefined) return { to: 'nowhere' }
        return { to: 'node', node: arriving(link.instance, other) }
      }
    }
  }
}

/** The first node of what arrives at a port. */
export function arriving(instance: string, { name, through }: Port): NodeName {
  const [outermost] = through
  return outermost === undefined ? portNode(instance, name) : passing(outermost, 'ingress')
}

/** The first thing that what is sent by a port meets. */
function leaving({ through }: Port, beyond: Destination): Destination {
  const innermost = through.at(-1)
  return innermost === undefined ? beyond : { to: 'node', node: passing(innermost, 'egress') }
}

/** The nodes that a node leads to, without the one that packets came from: few packets are sent back. */
export function nextNodes({ port, ways }: MetNode): readonly NodeName[] {
  const next: NodeName[] = []
  for (const { port: by, leads } of ways)
    if (leads.to === 'node' && (by !== port?.name || ways.length === 1)) next.push(leads.node)
  return next
}
