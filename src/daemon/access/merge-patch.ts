/** JSON merge patch (RFC 7396). */

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What makes `to` of `from`, as little as can be said. Undefined stands for nothing there, which is null. */
export function patchBetween(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return to ?? null
  const names = new Set([...Object.keys(from), ...Object.keys(to)])
  const changed = [...names].filter((name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]))
  return Object.fromEntries(
    changed.map((name) => [name, Object.hasOwn(to, name) ? patchBetween(own(from, name), to[name]) : null]),
  )
}

const own = (object: Json, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined)
