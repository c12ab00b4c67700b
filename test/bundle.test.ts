/** What commands run is what is in the sources now, bundled or not. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
/** A Tessera of a few lines. */
const SMALL = mkdtempSync(join(tmpdir(), 'tessera-bundle-'))
const CUBE = mkdtempSync(join(tmpdir(), 'tessera-bundle-cube-'))

const FILES = {
  'package.json': '{ "name": "tessera", "type": "module", "exports": { "./lang": "./src/lang/index.ts" } }',
  'src/base/import.ts': readFileSync(join(ROOT, 'src/base/import.ts'), 'utf8'),
  'src/isa/word.ts': "export const word: string = 'first'\n",
  'src/lang/index.ts': 'export class Shared {}\n',
  'src/cube/find.ts': `import { pathToFileURL } from 'node:url'
import { importFile } from '../base/import.ts'
export const find = (path: string) => importFile(pathToFileURL(path).href)\n`,
  'src/cubes/own/schema.ts': "import { Shared } from '../../lang/index.ts'\nexport default new Shared()\n",
  'src/compiler/compile.ts': '',
  'src/compiler/modules.ts': '',
  'src/daemon/control-thread.ts': '',
  'src/daemon/cubes/check-process.ts': '',
  'src/cli/main.ts': `import { join } from 'node:path'
import { find } from '../cube/find.ts'
import { word } from '../isa/word.ts'
import { Shared } from '../lang/index.ts'
export async function main([path, how]: readonly string[]): Promise<number> {
  if (path === 'get' && how === undefined) return console.log(word), 0
  if (path === 'fail' || how === 'fail') throw new Error('unexpected: import.meta.dirname')
  const cubes = [join(import.meta.dirname, '../cubes/own/schema.ts'), ...(path === undefined ? [] : [path])]
  for (const cube of cubes) console.log(((await find(cube)).default as object) instanceof Shared)
  console.log(word)
  return 0
}\n`,
}

const write = (file: string, text: string): void => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

beforeAll(() => {
  cpSync(join(ROOT, 'bin'), join(SMALL, 'bin'), { recursive: true })
  mkdirSync(join(SMALL, 'node_modules'))
  for (const name of ['esbuild', 'tsx', 'zod'])
    symlinkSync(join(ROOT, 'node_modules', name), join(SMALL, 'node_modules', name))
  for (const [name, text] of Object.entries(FILES)) write(join(SMALL, name), text)
  write(join(CUBE, 'package.json'), '{ "type": "module" }')
  mkdirSync(join(CUBE, 'node_modules'))
  symlinkSync(SMALL, join(CUBE, 'node_modules/tessera'))
  write(
    join(CUBE, 'schema.ts'),
    "import { Shared } from 'tessera/lang'\nexport default new Shared() satisfies object\n",
  )
})

afterAll(() => {
  for (const folder of [SMALL, CUBE]) rmSync(folder, { recursive: true })
})

const run = (words: readonly string[] = [], env: Readonly<Record<string, string>> = {}) => {
  const options = { encoding: 'utf8', env: { ...process.env, ...env } } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(SMALL, 'bin/tessera.js'), ...words], options)
  return { status, stdout, stderr }
}

const WORD = join(SMALL, 'src/isa/word.ts')
const manifest = (): string => readFileSync(join(SMALL, 'node_modules/.cache/tessera/current/manifest.json'), 'utf8')

test('cubes of Tessera and of others share its classes, in a bundle and without', () => {
  const cube = join(CUBE, 'schema.ts')
  const expected = { status: 0, stdout: 'true\ntrue\nfirst\n', stderr: '' }
  expect(run([cube])).toEqual(expected)
  expect(run([cube])).toEqual(expected)
  expect(run([cube], { TESSERA_BUNDLE: 'no' })).toEqual(expected)
})

test('the bundle stays as long as nothing is edited', () => {
  const before = manifest()
  run()
  expect(manifest()).toBe(before)
})

test('the bundle that is used counts as touched, however long ago it was made', () => {
  run()
  const folder = join(SMALL, 'node_modules/.cache/tessera/current')
  utimesSync(folder, new Date(0), new Date(0))
  run()
  expect(statSync(folder).mtimeMs).toBeGreaterThan(0)
})

test('an edited source runs, also where its length and time are as before', () => {
  expect(run().stdout).toContain('first')
  const { atime, mtime } = statSync(WORD)
  writeFileSync(WORD, readFileSync(WORD, 'utf8').replace('first', 'other'))
  utimesSync(WORD, atime, mtime)
  expect(run().stdout).toContain('other')
  write(WORD, "import { more } from './more.ts'\nexport const word: string = more\n")
  write(join(SMALL, 'src/isa/more.ts'), "export const more = 'a new file'\n")
  expect(run().stdout).toContain('a new file')
})

test('a mistake in a source is told, and gone when it is', () => {
  const text = readFileSync(WORD, 'utf8')
  writeFileSync(WORD, 'export const word: string = = 1\n')
  const ended = run()
  expect(ended.status).toBe(1)
  expect(ended.stderr).toContain('word.ts')
  writeFileSync(WORD, text)
  expect(run().status).toBe(0)
})

test('what needs the client alone is one file, compiled once, and as the sources are now', () => {
  const text = readFileSync(WORD, 'utf8')
  const compiled = join(SMALL, `node_modules/.cache/tessera/current/client.js.${process.version}-${process.arch}`)
  const expected = { status: 0, stdout: 'a new file\n', stderr: '' }
  expect(run(['get'])).toEqual(expected)
  expect(run(['get'])).toEqual(expected)
  const { mtimeMs } = statSync(compiled)
  expect(run(['get'])).toEqual(expected)
  expect(statSync(compiled).mtimeMs).toBe(mtimeMs)
  write(WORD, "export const word = 'edited'\n")
  expect(run(['get']).stdout).toBe('edited\n')
  writeFileSync(WORD, text)
})

test.each([['get'], ['version']])('all that %s needs is one file here, too', (verb) => {
  const script = `
  import { currentBundle } from './bin/load.js'
  import { loadScript, scriptOf } from './bin/script.js'
  const folder = await currentBundle(scriptOf('${verb}') + '.json')
  console.log(typeof loadScript(folder, '${verb}').main)`
  const options = { cwd: ROOT, encoding: 'utf8' } as const
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], options)
  expect({ stdout, stderr }).toEqual({ stdout: 'function\n', stderr: '' })
})

test('what cannot be bundled runs all the same, and that is said', () => {
  const text = readFileSync(WORD, 'utf8')
  write(WORD, "export const word = await Promise.resolve('waited for')\n")
  const { status, stdout, stderr } = run(['get'])
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'waited for\n' })
  expect(stderr).toMatch(/^note: Tessera is read from its sources, .*Top-level await/)
  writeFileSync(WORD, text)
  expect(run(['get']).stderr).toBe('')
})

test.each([[['fail']], [['get', 'fail']]])('what nobody expected names lines of the sources: %s', (words) => {
  const { status, stderr } = run(words)
  expect(status).toBe(1)
  expect(stderr).toContain('unexpected: import.meta.dirname')
  expect(stderr).toMatch(/src\/cli\/main\.ts:7:/)
})

test('a tree that was moved or copied is bundled where it is', () => {
  const before = manifest()
  const copy = `${SMALL}-copy`
  cpSync(SMALL, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  const ended = spawnSync(process.execPath, [join(copy, 'bin/tessera.js')], { encoding: 'utf8' })
  const made = readFileSync(join(copy, 'node_modules/.cache/tessera/current/manifest.json'), 'utf8')
  rmSync(copy, { recursive: true })
  expect(ended.stdout).toBe('true\na new file\n')
  expect(made).toContain(copy)
  expect(manifest()).toBe(before)
})
