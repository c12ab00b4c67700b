/** The graph: instances of cubes, their ports, and what the ports lead to. Plain data, as people write it. */
import type { Place } from '../../base/diagnostic.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import type { HookPoint } from '../../isa/program.ts'
import type { Settings } from './settings.ts'
import type { Entries } from './sized.ts'

export interface Graph {
  readonly name: string
  /** Where on interfaces its programs run, if the file says so: `tc ingress` unless it does. */
  readonly attach?: HookPoint | undefined
  readonly instances: readonly Instance[]
  /** Interfaces of something else, which transparent cubes are on. */
  readonly interfaces: readonly OnInterface[]
}

export interface Instance {
  readonly name: string
  /** As the file names it: `bridge`, or a folder. */
  readonly cube: string
  /** Complete: what the file left out has its default. */
  readonly config: Settings
  /** Bytes of the ring that punted packets wait in, if the file says so. */
  readonly queue?: number | undefined
  /** How many entries its tables have room for, those of which the file says so. */
  readonly entries?: Entries | undefined
  /** None where the cube is transparent. */
  readonly ports: readonly Port[]
}

export interface Port {
  readonly name: string
  readonly config: Settings
  /** What the port leads to: the same at both ends of a link. Undefined: what is sent there is dropped as `not_connected`. */
  readonly link: Link | undefined
  /** Transparent instances, from the outermost on: what arrives passes the first one first, what leaves the last one. */
  readonly through: readonly string[]
}

export type Link =
  | ({ readonly to: 'interface' } & InterfaceName)
  /** The stack's side of an interface: what this host sends by it, and what it is to receive as if it had arrived there. */
  | { readonly to: 'host'; readonly interface: string }
  | { readonly to: 'port'; readonly instance: string; readonly port: string }

/** An interface, in a named network namespace or in that of the engine. */
export interface InterfaceName {
  readonly interface: string
  readonly namespace?: string
}

export interface OnInterface extends InterfaceName {
  /** As {@link Port.through}. */
  readonly through: readonly string[]
}

/** `eth0`, or `blue/eth0` in a namespace: neither name can have a slash. */
export const interfaceText = ({ interface: name, namespace }: InterfaceName): string =>
  namespace === undefined ? name : `${namespace}/${name}`

/** For people: `eth0`, `blue/eth0`, `host eth0`, `router.lan`, `nothing`. */
export function linkText(link: Link | undefined): string {
  switch (link?.to) {
    case undefined:
      return 'nothing'
    case 'interface':
      return interfaceText(link)
    case 'host':
      return `host ${link.interface}`
    case 'port':
      return `${link.instance}.${link.port}`
  }
}

/** A graph with the cubes it names, and where in its file each part is written. */
export interface GraphFile {
  readonly file: string
  readonly graph: Graph
  readonly cubes: ReadonlyMap<string, CubeFolder>
  /** Where a path such as `['instances', 'switch', 'ports', 'alice']` is written. */
  place(path: readonly (string | number)[]): Place | undefined
}
