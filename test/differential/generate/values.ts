/** Truth values, addresses, and what has a name: variables, fields, results of functions. */
import { ADDRESSES, fieldsOf, isInt, type Type } from '../types.ts'
import { address, within } from './addresses.ts'
import type { Draft, Parameter, Reference, Returns } from './draft.ts'
import { compatible, int } from './integers.ts'
import { elements } from './lists.ts'
import { known } from './tables.ts'

/** More than this, compiled in, would be more than the verifier likes. */
const MOST_COST = 150

export function valueFor(draft: Draft, type: Type, depth: number): string | undefined {
  if (type === 'bool') return bool(draft, depth)
  if (isInt(type)) return int(draft, depth).text
  return address(draft, type, depth)
}

/** What an if may ask: a truth value, or whether a number is not 0. */
export const test = (draft: Draft, depth: number): string =>
  draft.once(5) ? int(draft, depth).text : bool(draft, depth)

export function bool(draft: Draft, depth: number): string {
  const simple = [
    [1, () => atom(draft, 'bool') ?? draft.pick(['true', 'false'])],
    [2, () => comparison(draft, depth - 1)],
  ] as const
  if (depth <= 0) return draft.oneOf(...simple)
  const inner = (): string => bool(draft, depth - 1)
  const asked = (): string => test(draft, depth - 1)
  return draft.oneOf(
    ...simple,
    [1, () => `(${inner()}) && (${asked()})`],
    [1, () => `(${asked()}) || (${inner()})`],
    [1, () => `!(${asked()})`],
    [1, () => sameAddress(draft, depth - 1)],
    [1, () => within(draft, depth - 1)],
    [1, () => call(draft, 'bool', depth - 1) ?? 'true'],
    [1, () => `(${inner()}) ${draft.pick(['===', '!=='])} (${inner()})`],
    [1, () => `(${asked()} ? ${inner()} : ${inner()})`],
    [draft.locked ? 0 : 1, () => configured(draft)],
    [draft.locked ? 0 : 1, () => known(draft) ?? 'false'],
  )
}

function comparison(draft: Draft, depth: number): string {
  const left = int(draft, depth)
  const operator = draft.pick(['===', '!==', '<', '<=', '>', '>='])
  return `${left.text} ${operator} ${compatible(draft, left.type, depth).text}`
}

function sameAddress(draft: Draft, depth: number): string {
  const type = draft.pick(ADDRESSES)
  const [a, b] = [address(draft, type, depth), address(draft, type, depth)]
  return a === undefined || b === undefined ? 'false' : `${a} ${draft.pick(['===', '!=='])} ${b}`
}

function configured(draft: Draft): string {
  const name = draft.fresh('c')
  draft.config[name] = draft.choose(2) === 1
  return `config.${name}`
}

/** A variable, a field or an element of a list of that type, where there is one. */
export function atom(draft: Draft, type: Type): string | undefined {
  const alive = draft.alive()
  const known = [
    ...draft.names
      .filter((one) => one.type === type)
      .map(
        ({ name }) =>
          () =>
            name,
      ),
    ...alive.flatMap(({ name, struct }) =>
      fieldsOf(struct)
        .filter((one) => one.type === type)
        .map(
          ({ field }) =>
            () =>
              `${name}.${field}`,
        ),
    ),
    ...alive.flatMap((reference) => elements(draft, reference, type)),
  ]
  return known.length === 0 ? undefined : draft.pick(known)()
}

/** A call of a function that returns this, where there is one and all that it takes. */
export function call(draft: Draft, returns: Returns, depth: number, mayMove = false): string | undefined {
  const fit = draft.helpers.filter(
    (one) =>
      one.returns === returns &&
      draft.cost + one.cost < MOST_COST &&
      (one.imported || !draft.locked) &&
      (!one.moves || (mayMove && draft.pinned === 0)),
  )
  if (fit.length === 0) return undefined
  const own = fit.filter(({ imported }) => !imported)
  const { name, imported, parameters, cost, moves } = draft.pick(own.length > 0 && !draft.once(4) ? own : fit)
  const given = parameters.map((one) => argument(draft, one, depth))
  if (given.includes(undefined)) return undefined
  draft.cost += cost
  if (moves) draft.moves++
  return imported
    ? `${draft.word(name)}(${given.join(', ')})`
    : `${name}(${['packet', 'context', ...given].join(', ')})`
}

function argument(draft: Draft, parameter: Parameter, depth: number): string | undefined {
  if (typeof parameter === 'string') return valueFor(draft, parameter, depth)
  const fit = draft.alive().filter((one) => isAlike(one, parameter))
  return fit.length === 0 ? undefined : draft.pick(fit).name
}

function isAlike({ struct, origin }: Reference, parameter: Exclude<Parameter, Type>): boolean {
  return struct === parameter.struct && origin.of === parameter.origin.of
}
