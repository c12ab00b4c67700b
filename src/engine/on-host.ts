/** Whether this host has what a graph needs: interfaces that are there, up, free of other programs, and in no other graph. */
import type { Machine } from '../backend/machine.ts'
import type { Diagnostic } from '../base/diagnostic.ts'
import type { AttachPoint } from '../isa/program.ts'
import { type Graph, type GraphFile, type InterfaceName, interfaceText } from './graph.ts'
import { interfacesOf } from './ports.ts'
import type { Records } from './records.ts'

/** A mistake for each interface that cannot be used as the graph says. */
export function checkInterfaces(
  machine: Machine,
  records: Records,
  { graph, place }: GraphFile,
  point: AttachPoint,
): Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  const owners = interfacesOfOthers(records, graph.name, point)
  for (const { path, used } of usesOf(graph)) {
    const name = interfaceText(used)
    const say = (message: string, remedy: string) => diagnostics.push({ message, remedy, place: place(path) })
    const found = machine.interface(name)
    const owner = owners.get(name)
    if (owner !== undefined)
      say(`the interface ${name} belongs to graph ${owner}`, `run tessera delete ${owner}, or take another interface`)
    if (found === undefined) {
      say(
        `there is no interface ${name} in this network namespace`,
        `ip link shows those that are; ip link add ${name} type veth peer name …`,
      )
      continue
    }
    if (!found.up) say(`the interface ${name} is down`, `ip link set ${name} up`)
    const [foreign] = machine.foreign(found, point)
    if (foreign !== undefined)
      say(
        `the interface ${name} already has a program of somebody else: ${foreign}`,
        `remove it (bpftool net show; ${LOOK[point](name)}), or take another interface`,
      )
  }
  return diagnostics
}

/** What a graph file can say, and programs cannot be made of yet. */
export function unsupported({ graph, place }: GraphFile): Diagnostic[] {
  const say = (path: readonly string[], what: string): Diagnostic => ({
    message: `${what} cannot be compiled yet`,
    place: place(path),
    remedy: 'lead ports to interfaces of this network namespace',
  })
  return [
    ...graph.instances.flatMap(({ name, ports }) =>
      ports.flatMap(({ name: port, link }) => {
        const path = ['instances', name, 'ports', port]
        return [
          ...(link?.to === 'host' ? [say([...path, 'host'], "a link to the host's stack")] : []),
          ...(link?.to === 'interface' && link.namespace !== undefined
            ? [say([...path, 'namespace'], 'a link into a network namespace')]
            : []),
        ]
      }),
    ),
    ...graph.interfaces.map((one) =>
      say(['interfaces', interfaceText(one)], 'a transparent cube on an interface of something else'),
    ),
  ]
}

interface Use {
  readonly path: readonly string[]
  readonly used: InterfaceName
}

/** Each interface, where the file names it. */
const usesOf = (graph: Graph): readonly Use[] => [
  ...graph.instances.flatMap(({ name, ports }) =>
    ports.flatMap(({ name: port, link }) =>
      link === undefined || link.to === 'port'
        ? []
        : [{ path: ['instances', name, 'ports', port, link.to], used: link }],
    ),
  ),
  ...graph.interfaces.map((used) => ({ path: ['interfaces', interfaceText(used)], used })),
]

/** Of graphs that are attached to what this one will be: what arrives by an interface, or what leaves by it. */
function interfacesOfOthers(records: Records, name: string, point: AttachPoint): Map<string, string> {
  const owners = new Map<string, string>()
  for (const other of records.names()) {
    const running = other === name ? undefined : records.read(other)
    if (running === undefined || (running.point === 'tc egress') !== (point === 'tc egress')) continue
    for (const one of interfacesOf(running.graph)) owners.set(interfaceText(one), other)
  }
  return owners
}

/** How programs of others are looked at. */
const LOOK: Readonly<Record<AttachPoint, (name: string) => string>> = {
  'tc ingress': (name) => `tc filter show dev ${name} ingress`,
  'tc egress': (name) => `tc filter show dev ${name} egress`,
  'xdp native': (name) => `ip link set ${name} xdp off`,
  'xdp generic': (name) => `ip link set ${name} xdp off`,
}
