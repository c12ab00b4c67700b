import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Diagnostic, Refusal, refusal } from '../base/diagnostic.ts'
import { urlAnew } from '../importing/anew.ts'
import { mustAllBeShort } from '../importing/size.ts'
import { placeInStack, placeOf, shown } from '../importing/stack.ts'
import { watchedImport } from '../importing/watched.ts'

/** What a module exports; a Refusal where it cannot be imported. It is imported `anew` for each such word once. */
export async function imported(path: string, anew?: string): Promise<Readonly<Record<string, unknown>>> {
  mustAllBeShort(path)
  // Node.js would end with 13, and without a word.
  const unsettled = (): void => {
    process.exitCode = 1
    process.stderr.write(`${shown(path)} cannot be imported: it awaits at its top level what never comes\n`)
  }
  process.once('beforeExit', unsettled)
  try {
    return await watchedImport(anew === undefined ? pathToFileURL(path).href : urlAnew(path, anew))
  } catch (error) {
    throw importFailure(path, error)
  } finally {
    process.off('beforeExit', unsettled)
  }
}

/** A module that cannot be imported, or throws while it is: the line it is about, and what it says. */
export function importFailure(path: string, error: unknown): Refusal {
  const message = error instanceof Error ? error.message : String(error)
  const mistakes = [...message.matchAll(SYNTAX)].map(({ groups }) => ofSyntax(groups ?? {}))
  return new Refusal(mistakes.length > 0 ? mistakes : [ofError(path, error)], { cause: error })
}

/** A mistake in the syntax as the transformer of TypeScript (esbuild) words it; columns count from 0. */
const SYNTAX = /^(?<file>\/[^\n]*?):(?<line>\d+):(?<column>\d+): ERROR: (?<text>.*)$/gm

function ofSyntax({ file = '', line = '', column = '', text = '' }: Readonly<Record<string, string>>): Diagnostic {
  return { message: text, place: placeOf(file, Number(line), Number(column) + 1) }
}

function ofError(path: string, error: unknown): Diagnostic {
  const message = error instanceof Error ? error.message : String(error)
  const place = error instanceof Error ? placeInStack(error.stack ?? '', dirname(path)) : undefined
  const { words = message.split('\n')[0], remedy } = explained(path, error, message)
  return { message: `${shown(path)} cannot be imported: ${words?.slice(0, WIDEST)}`, place, remedy }
}

/** Of an error's own words, in characters: they may quote a line that is as long as its file. */
const WIDEST = 300

interface Explained {
  /** Instead of what the error says. */
  readonly words?: string
  readonly remedy: string | undefined
}

function explained(path: string, error: unknown, message: string): Explained {
  if (message.includes('does not provide an export named'))
    return { remedy: 'import only what that module exports: npx tsc finds the line' }
  if (/require\(esm\)|require\(\) (of )?ES Module/.test(message)) return notInPackage(path)
  if (/Cannot find (package|module) '(tessera|zod)/.test(message))
    return {
      remedy:
        'cubes need tessera and zod: put the folder into the clone, or into a package of "type": "module"\nwhere npm install CLONE zod was run, CLONE being the folder of Tessera',
    }
  const missing = /^Cannot find (package|module) '([^']*)'/.exec(message)
  if (missing !== null)
    return {
      remedy:
        missing[1] === 'package'
          ? `run npm install ${missing[2]} in the package of the cube, or take the import away`
          : 'is the import spelled right? It names the file as it is called, with its .ts',
    }
  const unknown = /^(\w+) is not defined$/.exec(message)?.[1]
  if (unknown !== undefined) return { remedy: `import ${unknown}, or declare it above` }
  if (/^Cannot access '.*' before initialization$/.test(message))
    return {
      remedy: 'modules that import each other are not there yet: schema.ts imports neither dataplane.ts nor control.ts',
    }
  if (message === 'Maximum call stack size exceeded')
    return { words: 'it is nested too deep, or calls itself without end', remedy: undefined }
  // What the words of a schema refuse says by itself what they take.
  if (error instanceof RangeError) return { remedy: undefined }
  return { remedy: 'the module is run before its data plane is compiled: it must not throw' }
}

function notInPackage(path: string): { readonly words: string; readonly remedy: string } {
  const found = packageAround(dirname(path))
  if (found !== undefined)
    return {
      words: `${shown(found.file)} does not say "type": "module"`,
      remedy: 'write that into it: npm pkg set type=module; or put the folder into the clone',
    }
  return {
    words: `there is no package.json with "type": "module" around ${shown(dirname(path))}`,
    remedy:
      'put the folder into the clone, or write { "private": true, "type": "module" } into a package.json above it',
  }
}

/** A Refusal before Node.js has looked for the package of a module, for what it has found it keeps as long as the process. */
export function mustBeInPackage(path: string): void {
  if (packageAround(dirname(path))?.type === 'module') return
  const { words, remedy } = notInPackage(path)
  throw refusal(`${shown(path)} cannot be imported: ${words}`, remedy)
}

export interface Package {
  readonly file: string
  readonly type: unknown
}

/** The nearest one, by which Node.js goes. */
export function packageAround(folder: string): Package | undefined {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return dirname(folder) === folder ? undefined : packageAround(dirname(folder))
  try {
    return { file, type: (JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown } | null)?.type }
  } catch {
    return { file, type: undefined }
  }
}

const OWN = realpathSync(join(import.meta.dirname, '../..'))

/** A Refusal where a cube imports another Tessera than this: what its words stand for is nothing that this one knows. */
export function mustMeanThisTessera(path: string): void {
  const other = tesseraOf(path)
  if (other === undefined || other === OWN) return
  throw refusal(
    `${shown(path)} imports Tessera from ${other}, and this is Tessera in ${OWN}`,
    `run that one: ${join(other, 'bin/tessera.js')}; or have its package import this one: npm install ${OWN}`,
  )
}

/** The folder of what `tessera/…` is for a module, whatever links lead there; undefined where it is nothing. */
function tesseraOf(path: string): string | undefined {
  try {
    return realpathSync(dirname(createRequire(path).resolve('tessera/package.json')))
  } catch {
    return undefined
  }
}
