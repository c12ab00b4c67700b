/** What an engine is made of. */
import type { Machine } from '../../backend/machine.ts'
import type { Catalogue } from '../../cube/catalogue.ts'
import type { HookPoint } from '../../isa/program.ts'
import type { Records } from './records.ts'

export interface EngineParts {
  readonly machine: Machine
  readonly records: Records
  readonly catalogue: Catalogue
  /** Keeps others from changing graphs until disposed. */
  readonly lock: () => Promise<Disposable>
  /** Another one for another compiler, so that what it made need not be made again; unless given, everything is. */
  readonly build?: (() => string) | undefined
  /** Whether somebody looks at a graph now. */
  readonly isLookedAt?: ((name: string) => boolean) | undefined
  /** Runs a step of a change, for whoever wants to know how long it takes. */
  readonly measure?: Measure | undefined
  /** `cell`: data planes read the time from a map, which tests write. */
  readonly clock?: 'kernel' | 'cell'
  /** Where programs of graphs go that do not say it: to TC ingress, unless said here. */
  readonly at?: HookPoint | undefined
}

export type Measure = <T>(step: 'compile' | 'apply', run: () => T) => T

export function measured<T>({ measure }: EngineParts, step: 'compile' | 'apply', run: () => T): T {
  return measure === undefined ? run() : measure(step, run)
}
