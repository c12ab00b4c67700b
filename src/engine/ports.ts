/** What the ports of a graph are called on a command line. */
import { refusal } from '../base/diagnostic.ts'
import { nearest } from '../base/suggest.ts'
import type { Graph } from './graph.ts'

export interface NamedPort {
  readonly instance: string
  readonly port: string
  readonly interface: string
  /** The shortest name that no other port has, which file names can have, too: `alice`, or `switch.alice`. */
  readonly name: string
}

export function portsOf(graph: Graph): readonly NamedPort[] {
  const all = graph.instances.flatMap(({ name, ports }) => ports.map((port) => ({ instance: name, port })))
  return all.map(({ instance, port }) => ({
    instance,
    port: port.name,
    interface: port.interface,
    name: all.filter((other) => other.port.name === port.name).length === 1 ? port.name : `${instance}.${port.name}`,
  }))
}

/** A port by its own name, as `instance:port` or `instance.port`, or by its interface. A Refusal says which there are. */
export function findPort(graph: Graph, text: string): NamedPort {
  const ports = portsOf(graph)
  const [first, ...more] =
    [
      ports.filter(({ instance, port }) => [`${instance}:${port}`, `${instance}.${port}`].includes(text)),
      ports.filter(({ port }) => port === text),
      ports.filter((port) => port.interface === text),
    ].find((found) => found.length > 0) ?? []
  if (first !== undefined && more.length === 0) return first
  if (first !== undefined)
    throw refusal(
      `the graph ${graph.name} has several ports ${text}`,
      `say which: ${[first, ...more].map(({ name }) => name).join(', ')}`,
    )
  const near = nearest(
    text,
    ports.flatMap((port) => [port.name, port.interface]),
  )
  throw refusal(
    `the graph ${graph.name} has no port ${text}`,
    `${near === undefined ? '' : `did you mean ${near}? `}${listPorts(graph)}`,
  )
}

/** `it has alice (interface tess-alice), bob (interface tess-bob)` */
export function listPorts(graph: Graph): string {
  const ports = portsOf(graph).map((port) => `${port.name} (interface ${port.interface})`)
  return ports.length === 0 ? 'it has none' : `it has ${ports.join(', ')}`
}
