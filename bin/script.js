// All that commands need is one file beside the bundle, and V8's compiled code of it another one: finding, reading and compiling hundreds
// of modules takes longer than what most commands do. Verbs that need no more than the client of the API have a smaller one.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'

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

/** Milliseconds after which a daemon has called what it needs at its start. */
const STARTED = 10_000

export const scriptOf = (verb = '') => (Object.hasOwn(VERBS, verb) ? 'client' : 'main')

/** What src/cli/main.ts exports, of the script of a verb in the folder of a bundle. */
export function loadScript(folder, verb) {
  const file = join(folder, `${scriptOf(verb)}.js`)
  // What a daemon calls, other commands need not read.
  const compiled = `${file}.${verb === 'daemon' ? 'daemon-' : ''}${process.version}-${process.arch}`
  const cachedData = existsSync(compiled) ? readFileSync(compiled) : undefined
  const filename = pathToFileURL(file).href
  const script = new Script(readFileSync(file, 'latin1'), { filename, cachedData })
  const exports = {}
  const importing = (name) => import(name)
  script.runInThisContext()(exports, createRequire(file), importing, filename, file, folder)
  if (cachedData === undefined || script.cachedDataRejected === true) keep(compiled, script, verb === 'daemon')
  return exports
}

/** What was called until then is compiled: until the end, or, of what runs for long, soon, for V8 forgets what is not called. */
function keep(file, script, isLong) {
  const saved = () => save(file, script.createCachedData())
  if (isLong) setTimeout(saved, STARTED).unref()
  else process.once('exit', saved)
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
