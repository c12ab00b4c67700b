/** The files that a cube is made of, told from others without compiling them. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { OWN } from '../../compiler/modules.ts'

const PACKAGES = `${sep}node_modules${sep}`
/** Whatever is between the words, this finds it; what it finds in a comment besides does no harm. */
const IMPORT = /\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g

/**
 * Of a data plane, its control plane, and all files that either imports, wherever they are: another one where any of them says something
 * else, or came or went. Of packages, those files that are imported from without stand for all, for these are installed at once.
 */
export function stampOfCube(dataplane: string): string {
  const hash = createHash('sha256')
  const waiting = [dataplane, join(dirname(dataplane), 'control.ts')]
  const seen = new Set(waiting)
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const { content, imports } = sourceIn(file)
    hash.update(`${file} ${content}\n`)
    for (const other of imports) {
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

interface Source {
  /** Tells what it says from everything else. */
  readonly content: string
  readonly imports: readonly string[]
}

/** Files as they were when their stamp was this. */
const known = new Map<string, Source & { readonly stamp: string }>()

function sourceIn(file: string): Source {
  const stamp = stampOfFile(file)
  const before = known.get(file)
  if (before?.stamp === stamp) return before
  const source = readSource(file, stamp)
  known.set(file, { ...source, stamp })
  return source
}

function readSource(file: string, stamp: string): Source {
  if (!existsSync(file)) return { content: '', imports: [] }
  if (!/\.[cm]?[jt]s$/.test(file) || file.includes(PACKAGES)) return { content: stamp, imports: [] }
  const text = readFileSync(file, 'utf8')
  return {
    content: createHash('sha256').update(text).digest('hex'),
    imports: [...text.matchAll(IMPORT)].flatMap(([, , specifier = '']) => resolve(file, specifier)),
  }
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
