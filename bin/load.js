// How a process of Tessera gets its own modules. Node.js 20 reads no TypeScript, and hundreds of small files take a second: so
// src/ is bundled, and the bundle is used as long as no file of it was touched. Else it is bundled anew; where that cannot be, tsx
// reads the TypeScript as it is. TESSERA_BUNDLE=no asks for that.
import { utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadClient } from './client.js'
import { freshBundle } from './fresh.js'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const CACHE = join(ROOT, 'node_modules', '.cache', 'tessera')
const HOUR = 60 * 60 * 1000

const isBundled = process.env.TESSERA_BUNDLE !== 'no'

/** What runs a command line that begins with this verb. */
export async function loadCommand(verb) {
  const client = isBundled ? loadClient(ROOT, CACHE, verb) : undefined
  if (client === undefined) return load('src/cli/main.ts')
  keepUp(client.folder)
  return client
}

/** A module of src/ that is a way in, such as `src/cli/main.ts`. */
export async function load(entry) {
  const folder = isBundled ? await currentBundle() : undefined
  if (folder !== undefined) {
    keepUp(folder)
    return import(pathToFileURL(join(folder, `${entry}.js`)).href)
  }
  const { register } = await import('tsx/esm/api')
  register()
  return import(pathToFileURL(join(ROOT, entry)).href)
}

/** The folder of a bundle of what is in src/ now; undefined where none can be made. */
export async function currentBundle() {
  const folder = freshBundle(ROOT, CACHE)
  if (folder !== undefined) return folder
  try {
    const { bundle } = await import('./bundle.js')
    return await bundle(ROOT, CACHE)
  } catch {
    // No esbuild, a mistake in a source, or a folder that this user cannot write.
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
