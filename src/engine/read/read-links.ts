/** What the ports of a graph file lead to, and which transparent cubes are where: all of it has to fit together. */
import type { z } from 'zod'
import { suggestion } from '../../base/suggest.ts'
import type { Cube } from '../../cube/define.ts'
import type { interfacesShape, linkShape } from '../../cube/document.ts'
import { type InterfaceName, interfaceText, type Link, linkText, type OnInterface } from '../graph/graph.ts'

export type Path = readonly (string | number)[]

/** Reports a mistake at a path of the file, `key`: at its name instead of what it is set to. */
export type Say = (path: Path, key: boolean, message: string, remedy: string) => void

type GivenLink = z.output<typeof linkShape>

export interface GivenInstance {
  readonly name: string
  readonly cube: Cube
  readonly ports: Readonly<Record<string, GivenLink>>
}

/** The links of all ports, by `instance.port`. */
export type Links = ReadonlyMap<string, Link | undefined>

const DESTINATIONS = ['interface', 'host', 'to'] as const

/** Checks links and interfaces, and gives links to both of their ends. What is wrong is said, and left out. */
export function readLinks(
  instances: readonly GivenInstance[],
  interfaces: z.output<typeof interfacesShape>,
  say: Say,
): { readonly links: Links; readonly interfaces: readonly OnInterface[] } {
  const links = new LinkReader(instances, say).read()
  const read = Object.entries(interfaces).map(([name, { through }]) => ({ ...splitName(name, say), through }))
  checkInterfaces(links, read, say)
  checkTransparent(instances, read, say)
  return { links, interfaces: read }
}

class LinkReader {
  private readonly instances: ReadonlyMap<string, GivenInstance>
  private readonly say: Say
  private readonly links = new Map<string, Link | undefined>()

  constructor(instances: readonly GivenInstance[], say: Say) {
    this.instances = new Map(instances.map((instance) => [instance.name, instance]))
    this.say = say
  }

  read(): Links {
    const all = [...this.instances.values()].flatMap(({ name, ports }) =>
      Object.entries(ports).map(([port, given]) => ({ instance: name, port, given })),
    )
    for (const { instance, port, given } of all) this.links.set(`${instance}.${port}`, this.own(instance, port, given))
    for (const { instance, port, given } of all) if (given.to !== undefined) this.join(instance, port)
    return this.links
  }

  /** What a port says itself. */
  private own(instance: string, port: string, given: GivenLink): Link | undefined {
    const path = ['instances', instance, 'ports', port]
    const [, second] = DESTINATIONS.filter((key) => given[key] !== undefined)
    if (second !== undefined)
      this.say([...path, second], true, 'a port leads to one thing', 'keep one of interface, host and to')
    if (given.namespace !== undefined && given.interface === undefined)
      this.say([...path, 'namespace'], true, 'a namespace is that of an interface', 'add interface: …')
    if (given.interface !== undefined)
      return {
        to: 'interface',
        interface: given.interface,
        ...(given.namespace === undefined ? {} : { namespace: given.namespace }),
      }
    if (given.host !== undefined) return { to: 'host', interface: given.host }
    return given.to === undefined ? undefined : this.target(given.to, `${instance}.${port}`, [...path, 'to'])
  }

  /** `router.lan` */
  private target(text: string, from: string, path: Path): Link | undefined {
    const [name = '', port, ...more] = text.split('.')
    if (port === undefined || more.length > 0) {
      this.say(path, false, `"${text}" is not a port`, 'write to: instance.port')
      return undefined
    }
    const instance = this.instances.get(name)
    if (instance === undefined) {
      this.say(path, false, `there is no instance "${name}"`, suggestion(name, this.instances.keys()))
      return undefined
    }
    if (instance.cube.shape === 'transparent') {
      this.say(path, false, `${name} is transparent, and has no ports`, `list it where it is to be: through: [${name}]`)
      return undefined
    }
    if (!Object.hasOwn(instance.ports, port)) {
      this.say(path, false, `${name} has no port "${port}"`, suggestion(port, Object.keys(instance.ports)))
      return undefined
    }
    if (text !== from) return { to: 'port', instance: name, port }
    this.say(path, false, 'a port cannot lead to itself', 'name another one, or leave `to` out')
    return undefined
  }

  /** Gives the link of a port to its other end, which must have no other one. */
  private join(instance: string, port: string): void {
    const link = this.links.get(`${instance}.${port}`)
    if (link?.to !== 'port') return
    const end = linkText(link)
    const back = this.links.get(end)
    if (back === undefined) this.links.set(end, { to: 'port', instance, port })
    else if (linkText(back) !== `${instance}.${port}`)
      this.say(
        ['instances', instance, 'ports', port, 'to'],
        false,
        `${end} is linked twice: it leads to ${linkText(back)} already`,
        'give each link two ports of its own',
      )
  }
}

function splitName(text: string, say: Say): InterfaceName {
  const [first = '', second, ...more] = text.split('/')
  if (first === '' || second === '' || more.length > 0)
    say(['interfaces', text], true, `"${text}" is no interface`, 'write eth0, or blue/eth0 for one in a namespace')
  return second === undefined ? { interface: first } : { namespace: first, interface: second }
}

/** One interface, one port, in each of its directions: a packet cannot come in by two. */
function checkInterfaces(links: Links, on: readonly OnInterface[], say: Say): void {
  const owners = new Map<string, string>()
  for (const [port, link] of links) {
    if (link === undefined || link.to === 'port') continue
    const text = linkText(link)
    const owner = owners.get(text)
    const [instance = '', name = ''] = port.split('.')
    if (owner !== undefined)
      say(
        ['instances', instance, 'ports', name, link.to],
        false,
        `the interface ${text} is used twice: ${owner} leads to it already`,
        'give each port an interface of its own',
      )
    owners.set(text, port)
  }
  for (const one of on) {
    const text = interfaceText(one)
    const owner = owners.get(text) ?? owners.get(`host ${text}`)
    if (owner !== undefined)
      say(
        ['interfaces', text],
        true,
        `the interface ${text} is that of ${owner}`,
        `list at ${owner} what is on the way: through: [${one.through.join(', ')}]`,
      )
  }
}

/** Transparent instances are somewhere, once, and nothing else is there. */
function checkTransparent(instances: readonly GivenInstance[], on: readonly OnInterface[], say: Say): void {
  const shapes = new Map(instances.map(({ name, cube }) => [name, cube.shape]))
  const transparent = instances.filter(({ cube }) => cube.shape === 'transparent').map(({ name }) => name)
  const listed = new Map<string, string>()
  const known = (name: string): string =>
    transparent.length === 0
      ? `no instance is transparent: write ${name}: { cube: … } among them`
      : suggestion(name, transparent)
  const check = (path: Path, where: string, through: readonly string[]) => {
    for (const [index, name] of through.entries()) {
      const at = [...path, 'through', index]
      const shape = shapes.get(name)
      const before = listed.get(name)
      if (shape === undefined) say(at, false, `there is no instance "${name}"`, known(name))
      else if (shape === 'standard')
        say(at, false, `${name} has ports, and is not transparent`, `link ports: to: ${name}.…`)
      else if (before !== undefined)
        say(at, false, `${name} is at ${before} already`, 'make a second instance of its cube')
      listed.set(name, where)
    }
  }
  for (const { name, ports } of instances)
    for (const [port, { through }] of Object.entries(ports))
      check(['instances', name, 'ports', port], `${name}.${port}`, through)
  for (const one of on) check(['interfaces', interfaceText(one)], interfaceText(one), one.through)
  for (const name of transparent)
    if (!listed.has(name))
      say(['instances', name], true, `${name} is nowhere`, `list it at a port, or at an interface: through: [${name}]`)
}
