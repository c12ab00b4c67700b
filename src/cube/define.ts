import type { z } from 'zod'
import { ENGINE_DROPS, MAP } from '../lang/engine-names.ts'
import type { Context, DataTableOf, Packet, Table, Verdict } from '../lang/index.ts'

export type Tables = Readonly<Record<string, Table>>
export type Drops = Readonly<Record<string, string>>

/** Everything that both planes, the command line and the docs know about a kind of network function. */
export interface Cube<
  Port extends z.ZodObject = z.ZodObject,
  Config extends z.ZodObject = z.ZodObject,
  State extends Tables = Tables,
  Reasons extends Drops = Drops,
> {
  readonly name: string
  /** One line: what it is. */
  readonly summary: string
  /** What each port of an instance may be configured with. */
  readonly ports: Port
  /** What an instance may be configured with. */
  readonly config: Config
  /** The tables that both planes share. */
  readonly state: State
  /** Why a packet may be dropped: a name, and what it means. */
  readonly drops: Reasons
}

/** Declares a cube. A RangeError where a name could not be shown or pinned, or is one of Tessera's own. */
export function defineCube<
  Port extends z.ZodObject,
  Config extends z.ZodObject,
  const State extends Tables,
  const Reasons extends Drops,
>(name: string, parts: Omit<Cube<Port, Config, State, Reasons>, 'name'>): Cube<Port, Config, State, Reasons> {
  for (const part of ['ports', 'config', 'state', 'drops'] as const)
    if (typeof parts[part] !== 'object' || parts[part] === null)
      throw new RangeError(`cube ${name}: \`${part}\` is missing`)
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name))
    throw new RangeError(`cube name "${name}": lower-case letters, digits and dashes, at most 31`)
  for (const word of [...Object.keys(parts.state), ...Object.keys(parts.drops)]) {
    if (!/^[a-zA-Z][a-zA-Z0-9_]{0,30}$/.test(word))
      throw new RangeError(`cube ${name}: "${word}": letters, digits and underscores, at most 31`)
  }
  const takenIn = (names: object, own: object) => Object.keys(own).find((word) => Object.hasOwn(names, word))
  const taken = takenIn(MAP, parts.state) ?? takenIn(ENGINE_DROPS, parts.drops)
  if (taken !== undefined)
    throw new RangeError(`cube ${name}: every cube has \`${taken}\` already: choose another name`)
  for (const [table, given] of Object.entries<Partial<Table>>(parts.state))
    if (given?.kind === undefined || given.value === undefined)
      throw new RangeError(`cube ${name}: state.${table} is no table: write hash({ … }), array({ … }) or another kind`)
  return { name, ...parts }
}

type DataState<State extends Tables> = {
  readonly [K in keyof State]: DataTableOf<State[K]>
}

/** What the data plane of a cube is handed besides the packet. */
export type ContextOf<C extends Cube> = Context<
  DataState<C['state']>,
  Readonly<z.output<C['config']>>,
  Readonly<z.output<C['ports']>>,
  keyof C['drops'] & string
>

/** A cube's data plane. `run` is compiled from its source text; calling it does nothing useful. */
export interface DataPlane<C extends Cube = Cube> {
  readonly cube: C
  readonly run: (packet: Packet, context: ContextOf<C>) => Verdict
}

/** Ties a data-plane function to its schema. The default export of a cube's `dataplane.ts`. */
export const dataplane = <C extends Cube>(
  cube: C,
  run: (packet: Packet, context: ContextOf<C>) => Verdict,
): DataPlane<C> => ({ cube, run })
