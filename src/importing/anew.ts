/** Node.js reads a module once: by another URL, it and all that it imports by relative names are other modules. */
import { register } from 'node:module'
import { pathToFileURL } from 'node:url'

const HOOKS = new URL('../../bin/import-anew.js', import.meta.url)
const OWN = new URL('..', import.meta.url).href
/** In the query of a URL. */
const NAME = 'tessera-version'

let isRegistered = false

/** By this URL a module is imported as its files are, for each version of them once. */
export function urlAnew(path: string, version: string): string {
  if (!isRegistered) register(HOOKS, { data: { own: OWN, name: NAME } })
  isRegistered = true
  const url = pathToFileURL(path)
  url.searchParams.set(NAME, version)
  return url.href
}
