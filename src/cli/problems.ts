/** What a daemon refuses, for people: with the line of the file where that is known. */
import { readlinkSync } from 'node:fs'
import { relative } from 'node:path'
import type { Problem } from '../api/client.ts'
import { isSameNamespace } from '../backend/same-namespace.ts'
import { type Diagnostic, type Place, Refusal } from '../base/diagnostic.ts'

/** Where a path of what was sent is written. */
export type PlaceOf = (path: readonly string[]) => Place | undefined

/** `file`: what was sent, where the place in it is not known. */
export function refusalOf(problem: Problem, place: PlaceOf = () => undefined, file?: string): Refusal {
  const { title, detail, errors = [], revision, namespace } = problem
  const found = errors.map((error): Diagnostic => {
    const path = error.pointer === undefined ? undefined : pathOf(error.pointer)
    const inDocument = path === undefined ? undefined : place(path)
    const at = error.place === undefined ? inDocument : { ...error.place, file: shownPath(error.place.file) }
    // What was typed on a command line is no document.
    const name = error.parameter ?? (file === undefined ? path?.join('.') : error.pointer) ?? ''
    const where = at !== undefined ? '' : [file, name].filter((one) => one !== undefined && one !== '').join(': ')
    const message = where === '' ? error.detail : `${where}: ${error.detail}`
    return { message, remedy: error.remedy, place: at }
  })
  const said = detail ?? title
  const remedy = revision === undefined ? undefined : `it is at revision ${revision} now`
  const isSaid = found.length > 0 && (found.length > 1 || found.some(({ message }) => message.endsWith(said)))
  const told = isSaid ? found : [{ message: said, remedy }, ...found]
  const isElsewhere = isOtherNamespace(namespace) && told.some(isAboutInterface)
  return new Refusal(isElsewhere ? [...told, ELSEWHERE] : told)
}

/** As people see it: relative where that is shorter. */
function shownPath(path: string): string {
  const short = relative('', path)
  return short.startsWith('..') ? path : short
}

const isAboutInterface = ({ message }: Diagnostic): boolean => /\binterface\b/.test(message)

const ELSEWHERE: Diagnostic = {
  message: 'the daemon is in another network namespace than this command, and means the interfaces of its own',
  remedy: [
    'an interface of a network namespace with a name: interface: eth0, namespace: NAME',
    'a daemon in this one: TESSERA_INSTANCE=NAME tessera daemon, and the same for the commands',
    'no daemon: tessera apply --local, and so diff, show, delete, trace and capture',
  ].join('\n'),
}

/** Whether a daemon's network namespace is another one than that of this process, as far as its number tells. */
export function isOtherNamespace(namespace: string | undefined): boolean {
  try {
    return namespace !== undefined && !isSameNamespace(namespace, readlinkSync('/proc/self/ns/net'))
  } catch {
    // Without /proc, nobody knows.
    return false
  }
}

/** RFC 6901. */
export const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
