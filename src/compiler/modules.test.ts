/** A process that runs for long reads a data plane again and again, while files around it come and go. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadModules, resolve, resolveType } from './modules.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-modules-'))
  write('package.json', '{ "type": "module" }')
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

function writePackage(name: string, text: string): void {
  write(`node_modules/${name}/package.json`, JSON.stringify({ name, type: 'module', exports: './index.ts' }))
  write(`node_modules/${name}/index.ts`, text)
}

test('a module that its file imports, and was not there', async () => {
  const path = write('main.ts', `import { one } from './one.ts'; export const two = one + 1`)
  await expect(loadModules(path)).rejects.toThrow('cannot be imported')
  write('one.ts', 'export const one = 1')
  expect((await loadModules(path)).get(path)?.values).toMatchObject({ two: 2 })
})

test('a package that was not there', async () => {
  const path = write('main.ts', `import { one } from 'ones'; export const two = one() + 1`)
  await expect(loadModules(path)).rejects.toThrow('cannot be imported')
  writePackage('ones', 'export function one() { return 1 }')
  const modules = await loadModules(path)
  const main = modules.get(path)
  expect(main?.values).toMatchObject({ two: 2 })
  expect(main && resolve(modules, main, 'one')).toMatchObject({ kind: 'function', name: 'one' })
})

test('a package of which only types are wanted', async () => {
  const path = write('main.ts', `import type { Kind } from 'kinds'; export const kind = 7`)
  const before = await loadModules(path)
  expect([...before.keys()]).toEqual([path])
  writePackage('kinds', 'export type Kind = u8')
  const modules = await loadModules(path)
  const main = modules.get(path)
  expect(main && resolveType(modules, main, 'Kind')?.annotation).toMatchObject({ name: 'u8' })
})

test('a package that is gone', async () => {
  writePackage('ones', 'export const one = 1')
  const path = write('main.ts', `import { one } from 'ones'; export const two = one + 1`)
  await loadModules(path)
  rmSync(join(folder, 'node_modules'), { recursive: true })
  await expect(loadModules(path)).rejects.toThrow('cannot be imported')
  writePackage('ones', 'export const one = 2')
  expect([...(await loadModules(path)).keys()]).toEqual([path, join(folder, 'node_modules/ones/index.ts')])
})

test('a module that is loaded twice at a time', async () => {
  const path = write('main.ts', 'export const one = {}')
  const [first, second] = await Promise.all([loadModules(path), loadModules(path)])
  expect(first.get(path)?.values.one).toBeDefined()
  expect(second.get(path)?.values.one).toBe(first.get(path)?.values.one)
})
