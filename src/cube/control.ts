import type { z } from 'zod'
import type { ControlTableOf } from '../lang/index.ts'
import type { Cube, Tables } from './define.ts'

type ControlState<State extends Tables> = {
  readonly [K in keyof State]: ControlTableOf<State[K]>
}

/** What a control plane is handed: the running instance, and nothing else of the host. */
export interface ControlContext<C extends Cube> {
  readonly state: ControlState<C['state']>
  readonly config: Readonly<z.output<C['config']>>
  /** A port's name from its number; undefined for a port that is gone. */
  portName(id: number): string | undefined
  /** Nanoseconds, the clock of the data plane's `now()`. */
  now(): bigint
}

/** A table for people: rows of named cells. */
export type View = readonly Readonly<Record<string, string | number | bigint>>[]

/** A cube's control plane. */
export interface ControlPlane<C extends Cube = Cube> {
  readonly cube: C
  /** What `tessera show` prints of an instance, by title. */
  readonly views: Readonly<Record<string, (context: ControlContext<C>) => View>>
}

/** Ties a control plane to its schema. The default export of a cube's `control.ts`. */
export const control = <C extends Cube>(cube: C, parts: Omit<ControlPlane<C>, 'cube'>): ControlPlane<C> => ({
  cube,
  ...parts,
})
