/** What the ports of a graph are called on a command line, and the interfaces that it names. */
import { refusal } from '../../base/diagnostic.ts'
import { nearest } from '../../base/suggest.ts'
import { type Graph, type InterfaceName, interfaceText, type Link, linkText } from './graph.ts'

export interface NamedPort {
  readonly instance: string
  readonly port: string
  readonly link: Link | undefined
  /** The shortest name that no other port has, which file names can have, too: `alice`, or `switch.alice`. */
  readonly name: string
}

/** A port that leads to an interface. */
export interface Wire extends NamedPort {
  readonly interface: string
}

export function portsOf(graph: Graph): readonly NamedPort[] {
  const all = graph.instances.flatMap(({ name, ports }) => ports.map((port) => ({ instance: name, port })))
  const names = new Map<string, number>()
  for (const { port } of all) names.set(port.name, (names.get(port.name) ?? 0) + 1)
  return all.map(({ instance, port }) => ({
    instance,
    port: port.name,
    link: port.link,
    name: names.get(port.name) === 1 ? port.name : `${instance}.${port.name}`,
  }))
}

export const wiresOf = (graph: Graph): readonly Wire[] =>
  portsOf(graph).flatMap((port) =>
    port.link?.to === 'interface' ? [{ ...port, interface: interfaceText(port.link) }] : [],
  )

/** Every interface that the graph has to do with, once. */
export function interfacesOf(graph: Graph): readonly InterfaceName[] {
  const links = graph.instances.flatMap(({ ports }) => ports.flatMap(({ link }) => link ?? []))
  const named = [...links.filter((link) => link.to !== 'port'), ...graph.interfaces]
  return [...new Map(named.map((one) => [interfaceText(one), one])).values()]
}

/** A port by its own name, as `instance:port` or `instance.port`, or by its interface. A Refusal says which there are. */
export const findPort = (graph: Graph, text: string): NamedPort => find(graph, text, portsOf(graph))

/** {@link findPort} among those that lead to interfaces. */
export const findWire = (graph: Graph, text: string): Wire => find(graph, text, wiresOf(graph))

function find<P extends NamedPort>(graph: Graph, text: string, ports: readonly P[]): P {
  const [first, ...more] =
    [
      ports.filter(({ instance, port }) => [`${instance}:${port}`, `${instance}.${port}`].includes(text)),
      ports.filter(({ port }) => port === text),
      ports.filter(({ link }) => link?.to !== 'port' && linkText(link) === text),
    ].find((found) => found.length > 0) ?? []
  if (first !== undefined && more.length === 0) return first
  if (first !== undefined)
    throw refusal(
      `the graph ${graph.name} has several ports ${text}`,
      `say which: ${[first, ...more].map(({ name }) => name).join(', ')}`,
    )
  const near = nearest(
    text,
    ports.flatMap((port) => [port.port, linkText(port.link)]),
  )
  throw refusal(
    `the graph ${graph.name} has no port ${text}`,
    `${near === undefined ? '' : `did you mean ${near}? `}${list(ports)}`,
  )
}

/** `it has alice (interface tess-alice), bob (interface tess-bob)` */
export const listWires = (graph: Graph): string => list(wiresOf(graph))

function list(ports: readonly NamedPort[]): string {
  const texts = ports.map(
    ({ name, link }) => `${name} (${link?.to === 'interface' ? 'interface ' : ''}${linkText(link)})`,
  )
  return texts.length === 0 ? 'it has none' : `it has ${texts.join(', ')}`
}
