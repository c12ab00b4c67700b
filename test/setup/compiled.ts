/**
 * Before each file of tests: what V8 makes of a module is kept beside the transformed source, for all that a short process does is to run
 * most of what it imports for the first time. All functions are compiled, whoever is the first, for the next one calls others.
 */
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import vm, { type RunningScriptOptions, Script } from 'node:vm'
import { transformed } from './places.ts'

const folder = transformed()

/** As {@link vm.runInThisContext}, by which Vitest runs modules. V8 looks itself whether what was kept is of its own. */
function run(code: string, options?: RunningScriptOptions | string): unknown {
  const given = typeof options === 'string' ? { filename: options } : options
  const file = join(folder ?? '', `${createHash('sha1').update(code).digest('hex')}.code`)
  const cachedData = read(file)
  const kept = cachedData === undefined ? undefined : new Script(code, { ...given, cachedData })
  if (kept?.cachedDataRejected === false) return kept.runInThisContext(given)
  const script = compiled(code, given)
  keep(file, script.createCachedData())
  return script.runInThisContext(given)
}

function compiled(code: string, options: RunningScriptOptions | undefined): Script {
  setFlagsFromString('--no-lazy')
  try {
    return new Script(code, options)
  } finally {
    setFlagsFromString('--lazy')
  }
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** Whoever reads meanwhile sees all of it, or nothing. What cannot be kept is compiled again. */
function keep(file: string, data: Buffer): void {
  try {
    writeFileSync(`${file}.${process.pid}`, data)
    renameSync(`${file}.${process.pid}`, file)
  } catch {
    return
  }
}

if (folder !== undefined) Object.assign(vm, { runInThisContext: run })
