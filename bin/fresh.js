import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What a file or folder is by now, without reading it: any edit, copy or replacement changes it. Nothing where there is none. */
export function stampOf(path) {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? '' : `${found.size} ${found.mtimeMs} ${found.ctimeMs}`
}

/**
 * The folder of the bundle of what is in `root`; undefined where there is none, or a file of it was touched since that a list in it
 * names.
 */
export function freshBundle(root, cache, list = 'manifest.json') {
  let manifest
  try {
    manifest = JSON.parse(readFileSync(join(cache, 'current', list), 'utf8'))
  } catch {
    return undefined
  }
  if (manifest.root !== root) return undefined
  for (const path in manifest.inputs) if (stampOf(join(root, path)) !== manifest.inputs[path]) return undefined
  return join(cache, manifest.folder)
}
