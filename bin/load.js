// How a process of Tessera gets its own modules. Node.js 20 reads no TypeScript, and hundreds of small files take a second: so
// src/ is bundled, and the bundle is used as long as no file of it was touched. Else it is bundled anew; where that cannot be, tsx
// reads the TypeScript as it is. TESSERA_BUNDLE=no asks for that.
import { utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { freshBundle } from './fresh.js'
import { loadScript, scriptOf } from './script.js'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const CACHE = join(ROOT, 'node_modules', '.cache', 'tessera')
/** What is young stays small: V8 would let it grow to 48 MiB while modules are loaded, and have it be so for ever. */
const SPARING = '--semi-space-growth-factor=1'
/** Most of what a command calls is over before it pays to have it optimised: several times as much is to run before V8 begins with that. */
const PATIENT = '--interrupt-budget=600000'
const HOUR = 60 * 60 * 1000

const isBundled = process.env.TESSERA_BUNDLE !== 'no'

/** What runs a command line that begins with this verb. */
export async function loadCommand(verb) {
  setFlagsFromString(verb === 'daemon' ? SPARING : PATIENT)
  const folder = await bundleFor(`${scriptOf(verb)}.json`)
  return folder === undefined ? importSource('src/cli/main.ts') : loadScript(folder, verb)
}

/** A module of src/ that is a way in of a thread or a process, such as `src/daemon/control-thread.ts`. */
export async function load(entry) {
  const folder = await bundleFor('manifest.json')
  return folder === undefined ? importSource(entry) : import(pathToFileURL(join(folder, `${entry}.js`)).href)
}

async function importSource(entry) {
  const { register } = await import('tsx/esm/api')
  register()
  return import(pathToFileURL(join(ROOT, entry)).href)
}

/** The folder of a bundle in which what a list in it names is as it is in src/ now, kept as long as this process needs it. */
async function bundleFor(list) {
  const folder = isBundled ? await currentBundle(list) : undefined
  if (folder !== undefined) keepUp(folder)
  return folder
}

/** Errors of whoever may not write where the bundle is: an administrator's `npm run setup` makes one. */
const NOT_OURS = ['EACCES', 'EPERM', 'EROFS']

/** The folder of a bundle of what is in src/ now; undefined where none can be made, which is told. */
export async function currentBundle(list = 'manifest.json') {
  const folder = freshBundle(ROOT, CACHE, list)
  if (folder !== undefined) return folder
  try {
    const { bundle } = await import('./bundle.js')
    return await bundle(ROOT, CACHE)
  } catch (error) {
    // No esbuild, a mistake in a source, a full disk, or a folder that this user cannot write.
    if (!NOT_OURS.includes(error.code))
      process.stderr.write(
        `note: Tessera is read from its sources, which is slow, for it cannot be bundled: ${String(error.errors?.[0]?.text ?? error.message)}\n`,
      )
    return undefined
  }
}

function keepUp(folder) {
  keep(folder)
  setInterval(keep, HOUR, folder).unref()
}

/** A process that runs for long reads of its bundle again and again; those that nobody has touched for a day are removed. */
function keep(folder) {
  try {
    const now = new Date()
    utimesSync(folder, now, now)
  } catch {
    // It is somebody else's, who looks after it.
  }
}
