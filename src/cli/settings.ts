/** `ports.lan.ip=10.0.0.1/24`: fields of a document, as they are typed. */
import { InvalidArgumentError } from 'commander'

export interface Setting {
  readonly path: readonly string[]
  /** As typed; empty: the field is taken away. */
  readonly text: string
}

/** Collects `path=value`, for commander. */
export function settingOf(text: string, before: readonly Setting[] = []): readonly Setting[] {
  const [, path, value] = /^([^=\s]+)=([\s\S]*)$/.exec(text) ?? []
  if (path === undefined || value === undefined)
    throw new InvalidArgumentError('write field=value, such as config.agingTime=60; field= takes it away')
  const parts = path.split('.')
  if (parts.some((part) => part === '' || part === '__proto__')) throw new InvalidArgumentError(`${path} is no field`)
  return [...before, { path: parts, text: value }]
}

/** A JSON merge patch (RFC 7396). */
export type Patch = { [key: string]: unknown }

export function patchOf(settings: readonly { readonly path: readonly string[]; readonly value: unknown }[]): Patch {
  const patch: Patch = {}
  for (const { path, value } of settings) {
    let at = patch
    for (const part of path.slice(0, -1)) {
      const next = at[part]
      const inner: Patch = typeof next === 'object' && next !== null ? (next as Patch) : {}
      at[part] = inner
      at = inner
    }
    at[path.at(-1) ?? ''] = value
  }
  return patch
}

/** What is in a document at a path; undefined where there is nothing. */
export function fieldAt(document: unknown, path: readonly string[]): unknown {
  let value = document
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[part]
  }
  return value
}

export const shown = (value: unknown): string =>
  value === undefined ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value)
