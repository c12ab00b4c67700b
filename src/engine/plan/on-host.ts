/** Whether this host has what a graph needs: interfaces that are there, up, free of other programs, and in no other graph. */

import type { Interface, Machine } from '../../backend/machine.ts'
import { type Diagnostic, Refusal } from '../../base/diagnostic.ts'
import { type AttachPoint, hookAt } from '../../isa/program.ts'
import { type Graph, type GraphFile, type InterfaceName, interfaceText } from '../graph/graph.ts'
import { isHere } from '../graph/home.ts'
import { madeNumbers } from './made.ts'
import { type Records, readable } from './records.ts'

type Say = (message: string, remedy: string) => void

/** A mistake for each interface that cannot be used as the graph says; `late`: that never can, for it is another graph's. */
export const checkInterfaces = (
  machine: Machine,
  records: Records,
  file: GraphFile,
  point: AttachPoint,
  late = false,
): Diagnostic[] => machine.inBulk(() => checkAll(machine, records, file, point, late))

function checkAll(
  machine: Machine,
  records: Records,
  { graph, place }: GraphFile,
  point: AttachPoint,
  late: boolean,
): Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  const others = usesOfOthers(machine, records, graph.name)
  const owners = new Map(others.flatMap(({ on, points, graph }) => places(interfaceText(on), points, graph)))
  // An interface has other names as well, and one in a namespace is had at its other end, which is here.
  const devices = new Map<string, Had>()
  const have = (index: number, had: Had, points: readonly AttachPoint[]): void => {
    for (const [place, one] of places(`${index}`, points, had)) devices.set(place, one)
  }
  if (!late)
    for (const { on, points, graph, index = there(machine, on)?.index } of others)
      if (index !== undefined) have(index, { name: interfaceText(on), graph }, points)
  for (const { path, on, points } of usesOf(graph, point)) {
    const name = interfaceText(on)
    const say: Say = (message, remedy) => diagnostics.push({ message, remedy, path, place: place(path) })
    const owner = points.map((one) => owners.get(placeOf(name, one))).find((one) => one !== undefined)
    if (owner !== undefined)
      say(`the interface ${name} belongs to graph ${owner}`, `run tessera delete ${owner}, or take another interface`)
    const found = late ? undefined : find(machine, on, say)
    if (found === undefined) continue
    const had = points.map((one) => devices.get(placeOf(`${found.index}`, one))).find((one) => one !== undefined)
    have(found.index, { name }, points)
    if (had !== undefined && had.name !== name) {
      if (had.graph === undefined)
        say(`${name} and ${had.name} are one interface`, 'name it once; what is on the way of a port is listed there')
      else
        say(
          `the interface ${name} belongs to graph ${had.graph}, as ${had.name}`,
          `run tessera delete ${had.graph}, or take another interface`,
        )
      continue
    }
    if (!found.up) say(`the interface ${name} is down`, `ip link set ${found.name} up`)
    for (const one of points) {
      const [foreign] = machine.foreign(found, one)
      if (foreign !== undefined)
        say(
          `the interface ${name} already has a program of somebody else: ${foreign}`,
          `remove it (bpftool net show; ${LOOK[one](found.name)}), or take another interface`,
        )
    }
  }
  return diagnostics
}

function find(machine: Machine, on: InterfaceName, say: Say): Interface | undefined {
  try {
    const found = machine.interface(interfaceText(on))
    if (found !== undefined) return found
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    for (const { message, remedy = '' } of error.diagnostics) say(message, remedy)
    return undefined
  }
  const { interface: name, namespace } = on
  if (namespace === undefined)
    say(
      `there is no interface ${name} in this network namespace`,
      `ip link shows those that are; ip link add ${name} type veth peer name …`,
    )
  else if (!machine.hasNamespace(namespace))
    say(
      `there is no network namespace ${namespace}`,
      `ip netns shows those with a name; ip netns add ${namespace} makes this one`,
    )
  else
    say(
      `there is no interface ${name} in the network namespace ${namespace}`,
      `ip -n ${namespace} link shows those that are`,
    )
  return undefined
}

/** Undefined also where it cannot be used: a change that needs it says why. */
export function there(machine: Machine, on: InterfaceName): Interface | undefined {
  try {
    return machine.interface(interfaceText(on))
  } catch (error) {
    if (error instanceof Refusal) return undefined
    throw error
  }
}

/** What a graph file can say, and not every point can do. */
export function unsupported({ graph, place }: GraphFile, point: AttachPoint): Diagnostic[] {
  if (point === 'tc ingress') return []
  const remedy = 'attach the graph to TC ingress: attach: tc ingress'
  const xdp = hookAt(point) === 'xdp'
  const at = (path: readonly string[]) => ({ path, place: place(path) })
  return [
    ...graph.instances.flatMap(({ name, ports }) =>
      ports.flatMap(({ name: port, link }): Diagnostic[] =>
        link?.to !== 'host'
          ? []
          : [
              {
                message: xdp
                  ? 'XDP has neither what the stack sends, nor a way to send to it'
                  : "the stack's packets would be had twice at TC egress",
                ...at(['instances', name, 'ports', port, 'host']),
                remedy,
              },
            ],
      ),
    ),
    ...graph.interfaces.map((one) => ({
      message: xdp
        ? 'XDP does not have what leaves by an interface'
        : 'transparent cubes are on both ways of an interface',
      ...at(['interfaces', interfaceText(one)]),
      remedy,
    })),
  ]
}

/** An interface, where the file names it, and where programs will be on it. */
interface Use {
  readonly path: readonly string[]
  readonly on: InterfaceName
  readonly points: readonly AttachPoint[]
}

const usesOf = (graph: Graph, point: AttachPoint): readonly Use[] => [
  ...graph.instances.flatMap(({ name, ports }) =>
    ports.flatMap(({ name: port, link }): Use[] => {
      if (link === undefined || link.to === 'port') return []
      const path = ['instances', name, 'ports', port, link.to]
      return [{ path, on: link, points: [link.to === 'host' ? 'tc egress' : point] }]
    }),
  ),
  ...graph.interfaces.map(
    (on): Use => ({ path: ['interfaces', interfaceText(on)], on, points: ['tc ingress', 'tc egress'] }),
  ),
]

/** What arrives by an interface is had at one point, and what leaves by it at another one. */
const placeOf = (name: string, point: AttachPoint): string => `${name} ${point === 'tc egress' ? 'out' : 'in'}`

const places = <T>(name: string, points: readonly AttachPoint[], had: T): [string, T][] =>
  points.map((point) => [placeOf(name, point), had])

/** Under which name an interface is had, and by which other graph. */
interface Had {
  readonly name: string
  readonly graph?: string
}

interface UseOfOther extends Use {
  readonly graph: string
  /** The interface that its program is on, as far as that is known: then it is not asked for, which is long for thousands. */
  readonly index: number | undefined
}

/**
 * The graphs that have programs on interfaces of this network namespace. Where one's record cannot be read, nobody knows its
 * interfaces.
 */
function usesOfOthers(machine: Machine, records: Records, name: string): readonly UseOfOther[] {
  return records.names().flatMap((graph) => {
    const running = graph === name ? undefined : readable(records, graph)
    if (running === undefined || !isHere(machine, running)) return []
    const numbers = madeNumbers(running)
    return usesOf(running.graph, running.point).map((use) => ({
      ...use,
      graph,
      index: numbers.get(interfaceText(use.on)),
    }))
  })
}

/** How programs of others are looked at. */
const LOOK: Readonly<Record<AttachPoint, (name: string) => string>> = {
  'tc ingress': (name) => `tc filter show dev ${name} ingress`,
  'tc egress': (name) => `tc filter show dev ${name} egress`,
  'xdp native': (name) => `ip link set ${name} xdp off`,
  'xdp generic': (name) => `ip link set ${name} xdp off`,
}
