/** `~ instances.switch.config.agingTime: 300, and then 60`: in what two documents differ, a line for each place. */
import { shown } from './settings.ts'

export function differences(before: unknown, after: unknown, path: readonly string[] = []): string[] {
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]))
  }
  if (JSON.stringify(before) === JSON.stringify(after) || isNothing(before, after)) return []
  const name = path.join('.')
  if (before === undefined) return [`+ ${name}: ${shown(after)}`]
  if (after === undefined) return [`- ${name}: ${shown(before)}`]
  return [`~ ${name}: ${shown(before)}, and then ${shown(after)}`]
}

/** What is empty may as well be left out. */
const isNothing = (...values: readonly unknown[]): boolean =>
  values.every(
    (value) => value === undefined || (typeof value === 'object' && /^(\{\}|\[\])$/.test(JSON.stringify(value))),
  )

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
