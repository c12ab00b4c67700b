/** What handlers work with. */
import type { Input, Output } from '../../api/routes.ts'
import type { Audit } from '../access/audit.ts'
import type { ControlStatus } from '../control-planes.ts'
import type { Host } from '../host.ts'
import type { EventLog } from './event-log.ts'
import type { Wanted } from './wanted.ts'

export interface Parts extends Pick<Host, 'engine' | 'machine' | 'catalogue' | 'enter'> {
  readonly wanted: Wanted
  readonly events: EventLog
  readonly audit: Pick<Audit, 'get' | 'list'>
  readonly cubes: CubeRegistry
  readonly network: NetworkView
  /** The control planes that run. */
  readonly planes: () => readonly ControlStatus[]
  /** In the text format of Prometheus. */
  readonly metrics: () => Promise<string>
  /** Whether everything that is wanted was looked at since the start. */
  readonly isReady: () => boolean
  /** Removes all graphs from the host, and has the daemon end soon; gives their names. */
  readonly takeDown: () => Promise<readonly string[]>
  /** Of Tessera. */
  readonly version: string
}

/** Cubes that come and go while graphs run; the others are the catalogue's. */
export interface CubeRegistry {
  /** Where those that were added came from, by name. */
  added(): Promise<ReadonlyMap<string, string>>
  /** Gives its name. */
  add(folder: Input<'addCube'>['body']): Promise<string>
  upgrade(name: string, folder: Input<'upgradeCube'>['body']): Promise<void>
  remove(name: string): Promise<void>
}

/** What there is to attach to. */
export interface NetworkView {
  interfaces(): readonly Omit<Output<'listInterfaces'>[number], 'users'>[]
  namespaces(): readonly string[]
}
