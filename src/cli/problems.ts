/** What a daemon refuses, for people: with the line of the file where that is known. */
import type { Problem } from '../api/client.ts'
import { type Diagnostic, type Place, Refusal } from '../base/diagnostic.ts'

/** Where a path of what was sent is written. */
export type PlaceOf = (path: readonly string[]) => Place | undefined

/** `file`: what was sent, where the place in it is not known. */
export function refusalOf(problem: Problem, place: PlaceOf = () => undefined, file?: string): Refusal {
  const { title, detail, errors = [], revision } = problem
  const found = errors.map((error): Diagnostic => {
    const path = error.pointer === undefined ? undefined : pathOf(error.pointer)
    const at = path === undefined ? undefined : place(path)
    const name = error.parameter ?? error.pointer ?? ''
    const where = at !== undefined ? '' : [file, name].filter((one) => one !== undefined && one !== '').join(': ')
    const message = where === '' ? error.detail : `${where}: ${error.detail}`
    return { message, remedy: error.remedy, place: at }
  })
  const said = detail ?? title
  const remedy = revision === undefined ? undefined : `it is at revision ${revision} now`
  const isSaid = found.length > 0 && (found.length > 1 || found.some(({ message }) => message.endsWith(said)))
  return new Refusal(isSaid ? found : [{ message: said, remedy }, ...found])
}

/** RFC 6901. */
export const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
