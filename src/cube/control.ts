import type { z } from 'zod'
import type { ControlTableOf, PuntedPacket } from '../lang/index.ts'
import type { Cube, Tables } from './define.ts'
import { mustBeCube } from './given.ts'
import type { Migration } from './migration.ts'

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

/** What the code has in its hands that runs beside the data plane: one instance, and nothing else of the host. */
export interface ControlKit<C extends Cube> extends ControlContext<C> {
  /** The numbers of the ports that there are, by their names. */
  readonly ports: Readonly<Record<string, number>>
  /**
   * A packet comes in by a port, as if it had arrived there: through all transparent cubes on its way, and to the data plane. Not of
   * a transparent cube, which has no ports, nor is {@link send}.
   */
  inject(port: number, packet: Uint8Array): void
  /** A packet leaves by a port, as if the data plane had forwarded it there, through all transparent cubes on its way. */
  send(port: number, packet: Uint8Array): void
  /** Does something when so many nanoseconds have passed. */
  after(nanoseconds: bigint, work: () => void): Disposable
  /** Does something whenever so many nanoseconds have passed. */
  every(nanoseconds: bigint, work: () => void): Disposable
  /** A line for whoever runs the engine. */
  log(line: string): void
}

type Unsettled = void | Promise<void>

/**
 * A cube's control plane. What throws, rejects or hangs is started anew, with a kit of its own, each time after a longer wait;
 * packets go on meanwhile, and so do other instances.
 */
export interface ControlPlane<C extends Cube = Cube> {
  readonly cube: C
  /** What `tessera show` prints of an instance, by title. */
  readonly views: Readonly<Record<string, (context: ControlContext<C>) => View>>
  /** Once, before anything else. */
  readonly start?: (kit: ControlKit<C>) => Unsettled
  /** For each packet that the data plane has punted, in their order. */
  readonly onPunt?: (packet: PuntedPacket<NonNullable<C['punts']>>, kit: ControlKit<C>) => Unsettled
  /**
   * Of tables that once had other keys or values: how entries of then become entries of now, for each of those layouts. A graph
   * that runs with any other layout is not changed.
   */
  readonly migrate?: Migrations<C['state']>
}

export type Migrations<State extends Tables> = {
  readonly [K in keyof State]?: readonly Migration<State[K]>[]
}

/** Ties a control plane to its schema. The default export of a cube's `control.ts`. */
export function control<C extends Cube>(
  cube: C,
  { views = {}, ...parts }: Omit<ControlPlane<C>, 'cube' | 'views'> & Partial<Pick<ControlPlane<C>, 'views'>>,
): ControlPlane<C> {
  mustBeCube(cube, 'control')
  return { cube, views, ...parts }
}

/** Whether anything of it runs by itself. */
export const isActive = ({ start, onPunt }: ControlPlane): boolean => start !== undefined || onPunt !== undefined
