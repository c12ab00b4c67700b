// In a bundle, in the place of src/base/import.ts: modules of Tessera that cubes import are those of the bundle, so that there is
// one of each; cubes elsewhere are read by tsx.
import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { stampOf } from './fresh.js'

/* global $here, $import: where this file of the bundle is, and `import()` of it, which a script has not */

let reading

/** What `import()` of a file gives. */
export async function importFile(url) {
  const { own, root } = await import('tessera:own')
  const path = url.includes('?') ? undefined : fileURLToPath(url)
  if (path !== undefined && Object.hasOwn(own, path) && isAsBundled(root, path)) return own[path]()
  reading ??= readTypeScript()
  await reading
  return $import(url)
}

let inputs

/** Whoever runs for long may meet a file that was edited meanwhile. */
function isAsBundled(root, path) {
  inputs ??= JSON.parse(readFileSync(new URL('manifest.json', $here), 'utf8')).inputs
  return inputs[path.slice(root.length + 1)] === stampOf(path)
}

/** From now on, TypeScript can be imported, and what it imports of Tessera is what the bundle has. */
async function readTypeScript() {
  const { own, root, shared } = await import('tessera:own')
  const { register: readTypeScript } = await $import('tsx/esm/api')
  readTypeScript()
  globalThis[Symbol.for('tessera.own')] = own
  const names = Object.fromEntries(shared.map((path) => [pathToFileURL(path).href, [path, Object.keys(own[path]())]]))
  register(pathToFileURL(`${root}/bin/hooks.js`).href, { data: names })
}
