/** The files that a cube is made of, told from others without compiling them. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { OWN } from '../compiler/modules.ts'

const PACKAGES = `${sep}node_modules${sep}`
/** Whatever is between the words, this finds it; what it finds in a comment besides does no harm. */
const IMPORT = /\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g

/**
 * Of a data plane, its control plane, and all files that either imports, wherever they are: another one after any of them was edited,
 * replaced, or came or went. Of packages, those files that are imported from without stand for all, for these are installed at once.
 */
export function stampOfCube(dataplane: string): string {
  const hash = createHash('sha256')
  const waiting = [dataplane, join(dirname(dataplane), 'control.ts')]
  const seen = new Set(waiting)
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const stamp = stampOfFile(file)
    hash.update(`${stamp}\n`)
    for (const other of importsOf(file, stamp)) {
      // Of Tessera's own is the stamp of the compiler.
      if (seen.has(other) || other.startsWith(OWN)) continue
      seen.add(other)
      waiting.push(other)
    }
  }
  return hash.digest('hex')
}

export function stampOfFile(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return `${file} ${found?.size} ${found?.mtimeMs} ${found?.ctimeMs}`
}

/** What files import, as they were when their stamp was this. */
const known = new Map<string, { readonly stamp: string; readonly imports: readonly string[] }>()

function importsOf(file: string, stamp: string): readonly string[] {
  const before = known.get(file)
  if (before?.stamp === stamp) return before.imports
  const imports = readImports(file)
  known.set(file, { stamp, imports })
  return imports
}

function readImports(file: string): readonly string[] {
  if (!/\.[cm]?[jt]s$/.test(file) || file.includes(PACKAGES) || !existsSync(file)) return []
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].flatMap(([, , specifier = '']) => resolve(file, specifier))
}

function resolve(importer: string, specifier: string): string | [] {
  if (specifier.startsWith('.')) return fileURLToPath(new URL(specifier, pathToFileURL(importer)))
  try {
    const path = createRequire(importer).resolve(specifier)
    // Those of Node.js have names, and no files.
    return path.startsWith(sep) ? path : []
  } catch {
    // What cannot be imported is refused when it is.
    return []
  }
}
