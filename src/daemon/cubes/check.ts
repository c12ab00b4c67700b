/** Whether a cube can be used: its types, its data plane as instructions, its tests. None of it runs in the daemon, or as root. */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { type Diagnostic, Refusal, refusal } from '../../base/diagnostic.ts'
import { type RunOptions, runNode } from './child.ts'
import { foundIn } from './found.ts'
import { removeScratch } from './nobody.ts'
import { type Files, furnish, mustHave, packageFolder, ROOT, writeCube } from './staging.ts'
import { typeErrors } from './type-errors.ts'

/** Milliseconds that each step may take. */
const TIME = { types: 120_000, compile: 120_000, tests: 600_000 }

export interface Checked {
  readonly name: string
  /** What its tests printed last. */
  readonly tests: string
}

/** A Refusal with all that is wrong, in the cube's own files. */
export async function checkCube(files: Files, signal?: AbortSignal): Promise<Checked> {
  if (![...files.keys()].some(isTest))
    throw refusal('the cube has no tests', 'write cube.test.ts beside its schema: a test of what it does to a packet')
  const home = mkdtempSync(join(tmpdir(), 'tessera-cube-'))
  const folder = join(home, 'cube')
  const scratch = join(home, 'scratch')
  try {
    for (const one of [folder, scratch]) mkdirSync(one)
    writeCube(files, folder)
    furnish(home)
    readable(home)
    chmodSync(scratch, 0o1777)
    const options = { folder, scratch, signal }
    await checkTypes(files, home, options)
    const name = await compile(options)
    return { name, tests: await test(options) }
  } finally {
    await remove(home, scratch)
  }
}

async function remove(home: string, scratch: string): Promise<void> {
  try {
    await removeScratch(scratch)
    rmSync(home, { recursive: true, force: true })
  } catch {
    // What nobody's processes still write is left among what is temporary: whether the cube is good does not hang on it.
  }
}

/** By whoever checks it, whatever the mask of this process is. */
function readable(path: string): void {
  const found = lstatSync(path)
  if (found.isDirectory()) {
    chmodSync(path, 0o755)
    for (const name of readdirSync(path)) readable(join(path, name))
  } else if (found.isFile()) chmodSync(path, 0o644)
}

const isTest = (path: string): boolean => path.endsWith('.test.ts')

type Options = Omit<RunOptions, 'time'>

async function checkTypes(files: Files, home: string, options: Options): Promise<void> {
  const project = join(home, 'tsconfig.json')
  const nodeTypes = packageFolder('@types/node')
  const compilerOptions = {
    ...COMPILER_OPTIONS,
    typeRoots: nodeTypes === undefined ? [] : [dirname(nodeTypes)],
    types: nodeTypes === undefined ? [] : ['node'],
  }
  // Tests say by themselves whether they are right, and see much more of Tessera.
  const isSource = (path: string) => path.endsWith('.ts') && !isTest(path)
  const sources = [...files.keys()].filter(isSource).map((path) => join(options.folder, path))
  writeFileSync(project, JSON.stringify({ compilerOptions, files: sources }))
  readable(project)
  const script = join(mustHave('typescript'), 'bin/tsc')
  const { output, code } = await runNode([script, '-p', project, '--pretty', 'false'], { ...options, time: TIME.types })
  const found = typeErrors(output, options.folder, files)
  if (found.length > 0) throw new Refusal(found)
  // What is wrong elsewhere is not the cube's fault.
  if (code !== 0 && !/error TS\d+/.test(output))
    throw refusal(`the types of the cube could not be checked: ${tail(output)}`)
}

/** As Tessera's own. */
const COMPILER_OPTIONS = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  moduleResolution: 'nodenext',
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  allowUnreachableCode: false,
  erasableSyntaxOnly: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
}

/** Gives the cube's name. */
async function compile(options: Options): Promise<string> {
  const script = join(ROOT, 'bin/check-cube.js')
  const { output } = await runNode([script, options.folder], { ...options, time: TIME.compile })
  const said = foundIn(output)
  if (said === undefined) throw refusal(`the cube cannot be imported: ${tail(output)}`)
  const { found } = said
  if (found === undefined) throw refusal(`the cube says of itself what nobody understands: ${tail(said.line)}`)
  if ('name' in found) return found.name
  throw new Refusal(found.diagnostics.map((one) => here(one, options.folder)))
}

const here = ({ place, ...rest }: Diagnostic, folder: string): Diagnostic => ({
  ...rest,
  message: rest.message.replaceAll(`${folder}/`, '').replaceAll(folder, '.'),
  place: place && { ...place, file: place.file.startsWith('/') ? relative(folder, place.file) : place.file },
})

async function test(options: Options): Promise<string> {
  const script = join(ROOT, 'bin/test-cube.js')
  const { code, output } = await runNode([script, options.folder], { ...options, time: TIME.tests })
  if (code !== 0) throw refusal(`the tests of the cube fail:\n${tail(output, 40)}`)
  return tail(output, 6)
}

const tail = (output: string, lines = 10): string => output.trim().split('\n').slice(-lines).join('\n')
