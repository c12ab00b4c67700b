/** Changes of one part of a graph, as changes of its document. None is applied here, and none is checked but for what it is about. */

import type { z } from 'zod'
import { refuse } from '../../api/problem.ts'
import type { Input, Output } from '../../api/routes.ts'
import { merged } from '../../base/merge-patch.ts'
import { own } from '../../base/own.ts'
import { suggestion } from '../../base/suggest.ts'
import type { GraphDocument, instanceShape, portShape } from '../../cube/document.ts'

export type InstanceDocument = z.input<typeof instanceShape>
export type PortDocument = z.input<typeof portShape>

/** What is to become of a document. What a change makes of it is checked as a whole, so it need not be a graph. */
export type Edit = (document: GraphDocument) => GraphDocument

const without = <T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([one]) => one !== name))

export function instanceOf(document: GraphDocument, name: string): InstanceDocument {
  const found = own(document.instances, name)
  if (found !== undefined) return found
  throw refuse(404, `${document.graph} has no instance ${name}`, suggestion(name, Object.keys(document.instances)))
}

export function portOf(document: GraphDocument, instance: string, name: string): PortDocument {
  const { ports = {} } = instanceOf(document, instance)
  const found = own(ports, name)
  if (found !== undefined) return found
  throw refuse(404, `${instance} has no port ${name}`, suggestion(name, Object.keys(ports)))
}

export const hasInstance = (document: GraphDocument, name: string): boolean =>
  own(document.instances, name) !== undefined
export const hasPort = (document: GraphDocument, instance: string, name: string): boolean =>
  own(own(document.instances, instance)?.ports, name) !== undefined

export const withInstance =
  (name: string, instance: InstanceDocument): Edit =>
  (document) => ({ ...document, instances: { ...document.instances, [name]: instance } })

export const patchedInstance =
  (name: string, patch: unknown): Edit =>
  (document) =>
    withInstance(name, merged(instanceOf(document, name), patch) as InstanceDocument)(document)

export const withoutInstance =
  (name: string): Edit =>
  (document) => {
    instanceOf(document, name)
    return { ...document, instances: without(document.instances, name) }
  }

export const withPort =
  (instance: string, name: string, port: PortDocument): Edit =>
  (document) => {
    const before = instanceOf(document, instance)
    return withInstance(instance, { ...before, ports: { ...before.ports, [name]: port } })(document)
  }

export const patchedPort =
  (instance: string, name: string, patch: unknown): Edit =>
  (document) =>
    withPort(instance, name, merged(portOf(document, instance, name), patch) as PortDocument)(document)

export const withoutPort =
  (instance: string, name: string): Edit =>
  (document) => {
    portOf(document, instance, name)
    const before = instanceOf(document, instance)
    return withInstance(instance, { ...before, ports: without(before.ports ?? {}, name) })(document)
  }

const LINK = ['to', 'interface', 'namespace', 'host'] as const
type LinkPart = Pick<PortDocument, (typeof LINK)[number]>

const ends = (end: string): readonly [instance: string, port: string] => {
  const [instance = '', port = ''] = end.split('.')
  return [instance, port]
}

/** A port without what it leads to. */
const unlinked = (port: PortDocument): PortDocument =>
  LINK.reduce<PortDocument>((rest, key) => without(rest, key) as PortDocument, port)

/** Takes the link of a port away, whichever of its two ends says it. */
const disconnected =
  (end: string): Edit =>
  (document) => {
    const [instance, name] = ends(end)
    const port = portOf(document, instance, name)
    const alone = withPort(instance, name, unlinked(port))(document)
    return allPorts(alone)
      .filter(({ port: { to } }) => to === end)
      .reduce<GraphDocument>((rest, one) => withPort(one.instance, one.name, unlinked(one.port))(rest), alone)
  }

const allPorts = ({ instances }: GraphDocument) =>
  Object.entries(instances).flatMap(([instance, { ports = {} }]) =>
    Object.entries(ports).map(([name, port]) => ({ instance, name, port, end: `${instance}.${name}` })),
  )

export type Link = Output<'listLinks'>[number]

/** What ports lead to; a link between two of them once, and what leads nowhere not at all. */
export function linksOf(document: GraphDocument): readonly Link[] {
  const ports = allPorts(document)
  const seen = new Set<string>()
  return ports.flatMap(({ end, port }): Link[] => {
    const { to, interface: on, namespace, host } = port
    if (to === undefined && on === undefined && host === undefined) return []
    const back = `${to} ${end}`
    if (seen.has(back)) return []
    seen.add(`${end} ${to}`)
    const parts = { to, interface: on, namespace, host }
    return [
      { end, ...(Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as LinkPart) },
    ]
  })
}

/** A port that leads somewhere already is asked about. */
export const connected =
  ({ end, ...link }: Link): Edit =>
  (document) => {
    const [instance, name] = ends(end)
    for (const one of [end, ...(link.to === undefined ? [] : [link.to])]) {
      const [of, port] = ends(one)
      if (hasInstance(document, of)) portOf(document, of, port)
      const found = linksOf(document).find((other) => other.end === one || other.to === one)
      if (found !== undefined)
        throw refuse(409, `${one} is linked already: ${linkText(found)}`, `disconnect ${one} first`)
    }
    const port = portOf(document, instance, name)
    return withPort(instance, name, { ...unlinked(port), ...link })(document)
  }

const linkText = ({ end, to, interface: on, namespace, host }: Link): string =>
  `${end} leads to ${to ?? (host === undefined ? [...(namespace === undefined ? [] : [namespace]), on].join('/') : `host ${host}`)}`

export const withoutLink =
  (end: string): Edit =>
  (document) => {
    const [instance, name] = ends(end)
    portOf(document, instance, name)
    if (!linksOf(document).some((link) => link.end === end || link.to === end))
      throw refuse(404, `${end} leads nowhere`, 'GET …/links tells which ports lead where')
    return disconnected(end)(document)
  }

export type Attachment = Output<'listAttachments'>[number]

/** Where transparent instances are. */
export const attachmentsOf = (document: GraphDocument): readonly Attachment[] => [
  ...allPorts(document).flatMap(({ end, port: { through = [] } }) =>
    through.map((instance, position) => ({ instance, port: end, position })),
  ),
  ...Object.entries(document.interfaces ?? {}).flatMap(([name, { through }]) =>
    through.map((instance, position) => ({ instance, interface: name, position })),
  ),
]

/** Takes a transparent instance off its way; it stays an instance. */
function off(document: GraphDocument, instance: string): GraphDocument {
  const at = attachmentsOf(document).find((one) => one.instance === instance)
  if (at === undefined) return document
  const rest = (through: readonly string[] = []) => through.filter((one) => one !== instance)
  if (at.port !== undefined) {
    const [of, name] = ends(at.port)
    const port = portOf(document, of, name)
    const through = rest(port.through)
    return withPort(
      of,
      name,
      through.length === 0 ? (without(port, 'through') as PortDocument) : { ...port, through },
    )(document)
  }
  const { interfaces = {} } = document
  const name = at.interface ?? ''
  const through = rest(own(interfaces, name)?.through)
  return {
    ...document,
    interfaces: through.length === 0 ? without(interfaces, name) : { ...interfaces, [name]: { through } },
  }
}

export const attached =
  (instance: string, { port, interface: on, position, cube, config }: Input<'attach'>['body']): Edit =>
  (document) => {
    const known = own(document.instances, instance)
    if (known === undefined && cube === undefined)
      throw refuse(404, `${document.graph} has no instance ${instance}`, 'say of which cube it is to be made')
    if (known !== undefined && cube !== undefined && cube !== known.cube)
      throw refuse(409, `${instance} is a ${known.cube} already`, 'leave `cube` out, or take another name')
    const made = { ...known, cube: cube ?? known?.cube ?? '', ...(config === undefined ? {} : { config }) }
    const ready = off(withInstance(instance, made)(document), instance)
    const into = (through: readonly string[] = []) => through.toSpliced(position ?? through.length, 0, instance)
    if (port !== undefined) {
      const [of, name] = ends(port)
      const before = portOf(ready, of, name)
      return withPort(of, name, { ...before, through: into(before.through) })(ready)
    }
    const { interfaces = {} } = ready
    const name = on ?? ''
    return { ...ready, interfaces: { ...interfaces, [name]: { through: into(own(interfaces, name)?.through) } } }
  }

export const detached =
  (instance: string): Edit =>
  (document) => {
    instanceOf(document, instance)
    if (!attachmentsOf(document).some((one) => one.instance === instance))
      throw refuse(404, `${instance} is no transparent instance`, 'GET …/attachments tells which are')
    return withoutInstance(instance)(off(document, instance))
  }
