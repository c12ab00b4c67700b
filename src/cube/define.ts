import { z } from 'zod'
import { suggestion } from '../base/suggest.ts'
import { ENGINE_DROPS, MAP } from '../lang/engine-names.ts'
import {
  type Context,
  type DataTableOf,
  type Packet,
  type Punts,
  puntReasons,
  type Table,
  type TransparentContext,
  type Verdict,
} from '../lang/index.ts'
import { mustBeCube } from './given.ts'

export type Tables = Readonly<Record<string, Table>>
export type Drops = Readonly<Record<string, string>>

/**
 * `standard`: has ports, and decides by which of them a packet leaves. `transparent`: has none; it is on the way of what
 * passes a port or an interface, in both directions, and lets it go on, or not.
 */
export type Shape = 'standard' | 'transparent'

/** What is said of a cube whatever its shape. */
interface Parts<Config extends z.ZodObject, State extends Tables, Reasons extends Drops, Punted extends Punts> {
  /** One line: what it is. */
  readonly summary: string
  /** What an instance may be configured with. */
  readonly config: Config
  /** The tables that both planes share. */
  readonly state: State
  /** Why a packet may be dropped: a name, and what it means. */
  readonly drops: Reasons
  /** Why a packet may be left to the control plane. */
  readonly punts?: Punted
}

/** Everything that both planes, the command line and the docs know about a kind of network function. */
export interface Cube<
  Port extends z.ZodObject = z.ZodObject,
  Config extends z.ZodObject = z.ZodObject,
  State extends Tables = Tables,
  Reasons extends Drops = Drops,
  Form extends Shape = Shape,
  Punted extends Punts = Punts,
> extends Parts<Config, State, Reasons, Punted> {
  readonly name: string
  readonly shape: Form
  /** What each port of an instance may be configured with. */
  readonly ports: Port
}

/** What {@link defineCube} takes besides `shape` and `ports`. */
const PARTS: readonly string[] = ['summary', 'config', 'state', 'drops', 'punts']

const meant = (key: string): string =>
  key === 'transparent' ? "write shape: 'transparent'" : suggestion(key, ['shape', 'ports', ...PARTS])

const noPorts = z.strictObject({})

/** What a graph file says of every port. */
export const LINK_KEYS = ['interface', 'namespace', 'host', 'to', 'through'] as const

/** Declares a cube. A RangeError where a name could not be shown or pinned, or is one of Tessera's own. */
export function defineCube<
  Port extends z.ZodObject,
  Config extends z.ZodObject,
  const State extends Tables,
  const Reasons extends Drops,
  const Punted extends Punts = Record<never, never>,
>(
  name: string,
  parts: Parts<Config, State, Reasons, Punted> & { readonly shape?: 'standard'; readonly ports: Port },
): Cube<Port, Config, State, Reasons, 'standard', Punted>
export function defineCube<
  Config extends z.ZodObject,
  const State extends Tables,
  const Reasons extends Drops,
  const Punted extends Punts = Record<never, never>,
>(
  name: string,
  parts: Parts<Config, State, Reasons, Punted> & { readonly shape: 'transparent'; readonly ports?: undefined },
): Cube<typeof noPorts, Config, State, Reasons, 'transparent', Punted>
export function defineCube(
  name: string,
  {
    shape = 'standard',
    ports: given,
    ...parts
  }: Parts<z.ZodObject, Tables, Drops, Punts> & { readonly shape?: Shape; readonly ports?: z.ZodObject | undefined },
): Cube {
  const other = Object.keys(parts).find((key) => !PARTS.includes(key))
  if (other !== undefined) throw new RangeError(`cube ${name}: "${other}" is not known here: ${meant(other)}`)
  if (shape !== 'standard' && shape !== 'transparent')
    throw new RangeError(`cube ${name}: \`shape\` is 'standard' or 'transparent'`)
  if (shape === 'transparent' && given !== undefined)
    throw new RangeError(`cube ${name}: a transparent cube has no ports: leave \`ports\` out`)
  const ports = shape === 'transparent' ? noPorts : given
  if (typeof ports !== 'object' || ports === null)
    throw new RangeError(
      `cube ${name}: \`ports\` is missing: write ports: z.strictObject({ … }), or shape: 'transparent' where it has none`,
    )
  const link = LINK_KEYS.find((key) => ports instanceof z.ZodObject && key in ports.shape)
  if (link !== undefined) throw new RangeError(`cube ${name}: every port has \`${link}\` already: choose another name`)
  for (const part of ['config', 'state', 'drops'] as const)
    if (typeof parts[part] !== 'object' || parts[part] === null)
      throw new RangeError(`cube ${name}: \`${part}\` is missing`)
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name))
    throw new RangeError(`cube name "${name}": lower-case letters, digits and dashes, at most 31`)
  if (Array.isArray(parts.drops))
    throw new RangeError(
      `cube ${name}: \`drops\` has names with what they mean: { truncated: 'shorter than its headers' }`,
    )
  for (const word of [...Object.keys(parts.state), ...Object.keys(parts.drops), ...Object.keys(parts.punts ?? {})]) {
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
  // Says what is wrong with one.
  puntReasons(parts.punts)
  if (typeof parts.summary !== 'string')
    throw new RangeError(`cube ${name}: \`summary\` is missing: say in a line what it is`)
  for (const [part, schema] of Object.entries({ config: parts.config, ports }))
    if (!isObjectSchema(schema))
      throw new RangeError(`cube ${name}: \`${part}\` is no schema of zod: write ${part}: z.strictObject({ … })`)
  return { name, shape, ports, ...parts }
}

/** Of whatever copy of zod. */
const isObjectSchema = (schema: Partial<z.ZodObject>): boolean =>
  typeof schema.safeParse === 'function' && typeof schema.shape === 'object'

type DataState<State extends Tables> = {
  readonly [K in keyof State]: DataTableOf<State[K]>
}

/** What the data plane of a cube is handed besides the packet. */
export type ContextOf<C extends Cube> = C['shape'] extends 'transparent'
  ? TransparentContext<
      DataState<C['state']>,
      Readonly<z.output<C['config']>>,
      keyof C['drops'] & string,
      NonNullable<C['punts']>
    >
  : Context<
      DataState<C['state']>,
      Readonly<z.output<C['config']>>,
      Readonly<z.output<C['ports']>>,
      keyof C['drops'] & string,
      NonNullable<C['punts']>
    >

/** A cube's data plane. `run` is compiled from its source text; calling it does nothing useful. */
export interface DataPlane<C extends Cube = Cube> {
  readonly cube: C
  readonly run: (packet: Packet, context: ContextOf<C>) => Verdict
}

/** Ties a data-plane function to its schema. The default export of a cube's `dataplane.ts`. */
export function dataplane<C extends Cube>(
  cube: C,
  run: (packet: Packet, context: ContextOf<C>) => Verdict,
): DataPlane<C> {
  mustBeCube(cube, 'dataplane')
  return { cube, run }
}
