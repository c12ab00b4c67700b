import { existsSync, readFileSync } from 'node:fs'
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
  if (message === 'Maximum call stack size exceeded')
    return { words: 'it is nested too deep, or calls itself without end', remedy: undefined }
  // What the words of a schema refuse says by itself what they take.
  if (error instanceof RangeError) return { remedy: undefined }
  return { remedy: 'the module is run before its data plane is compiled: it must not throw' }
}

const notInPackage = (path: string) => ({
  words: `there is no package.json with "type": "module" around ${shown(dirname(path))}`,
  remedy: 'put the folder into the clone, or write { "private": true, "type": "module" } into a package.json above it',
})

/** A Refusal before Node.js has looked for the package of a module, for what it has found it keeps as long as the process. */
export function mustBeInPackage(path: string): void {
  if (typeOfPackage(dirname(path)) === 'module') return
  const { words, remedy } = notInPackage(path)
  throw refusal(`${shown(path)} cannot be imported: ${words}`, remedy)
}

function typeOfPackage(folder: string): unknown {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return dirname(folder) === folder ? undefined : typeOfPackage(dirname(folder))
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown } | null)?.type
  } catch {
    return undefined
  }
}
