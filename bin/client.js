// What most commands need is the client of the API alone. Of it there is one file beside the bundle, compiled once: finding, reading and
// compiling the modules of the bundle takes longer than what these commands do.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import { freshBundle } from './fresh.js'

/** The verbs, and where in src/cli/actions each of them is, if it is there. */
export const VERBS = {
  get: 'get',
  describe: 'describe',
  top: 'top',
  watch: 'watch',
  events: 'events',
  set: 'set',
  connect: 'links',
  disconnect: 'links',
  attach: 'links',
  detach: 'links',
  state: 'state',
  complete: undefined,
}

/** The folder and the exports of src/cli/main.ts, for these verbs; undefined where there is no bundle of it, or a file of it was touched since. */
export function loadClient(root, cache, verb) {
  if (!Object.hasOwn(VERBS, verb ?? '')) return undefined
  const folder = freshBundle(root, cache, 'client.json')
  if (folder === undefined) return undefined
  const file = join(folder, 'client.js')
  const compiled = `${file}.${process.version}-${process.arch}`
  const cachedData = existsSync(compiled) ? readFileSync(compiled) : undefined
  const filename = pathToFileURL(file).href
  const script = new Script(readFileSync(file, 'utf8'), { filename, cachedData })
  const exports = {}
  script.runInThisContext()(exports, createRequire(file), filename)
  // What was called until the end is compiled then.
  if (cachedData === undefined || script.cachedDataRejected === true)
    process.once('exit', () => save(compiled, script.createCachedData()))
  return { folder, ...exports }
}

/** Whoever reads meanwhile sees all of it, or nothing. */
function save(file, data) {
  try {
    writeFileSync(`${file}.${process.pid}`, data)
    renameSync(`${file}.${process.pid}`, file)
  } catch {
    // It is somebody else's folder.
  }
}
