import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Refusal } from '../base/diagnostic.ts'
import { Catalogue } from './catalogue.ts'
import { importFailure } from './import-failure.ts'

const folder = mkdtempSync(join(tmpdir(), 'tessera-catalogue-'))
afterAll(() => rmSync(folder, { recursive: true }))

const catalogue = new Catalogue(join(import.meta.dirname, '../cubes'))
const refused = (reference: string) =>
  Promise.resolve()
    .then(() => catalogue.find(reference, folder))
    .then(
      () => 'found',
      (error: Refusal) => error.message,
    )

describe('the catalogue', () => {
  test('names the cubes that are there', () => expect(catalogue.names()).toContain('bridge'))

  test('finds a cube by name, with both planes', async () => {
    const { cube, control } = await catalogue.find('bridge', folder)
    expect(cube.name).toBe('bridge')
    expect(Object.keys(control.views)).toEqual(['stations'])
  })

  test('suggests the nearest name', async () => expect(await refused('brigde')).toContain('did you mean "bridge"?'))
  test('says where it looked', async () =>
    expect(await refused('./none')).toContain(`there is no cube in ${folder}/none`))

  test('a name is no way to other folders', async () => {
    await catalogue.find('bridge', folder)
    for (const name of ['x/../bridge', 'bridge/', 'bridge/.', ''])
      expect(await refused(name)).toContain(`there is no cube "${name}"`)
  })

  test('a data plane without a package, and then without a cube', async () => {
    mkdirSync(join(folder, 'empty'))
    const file = join(folder, 'empty/dataplane.ts')
    writeFileSync(file, 'export const nothing = 1\n')
    const remedy = 'write { "private": true, "type": "module" } into a package.json above it'
    expect(await refused('./empty')).toContain(
      `${file} cannot be imported: there is no package.json with "type": "module" around ${folder}/empty`,
    )
    expect(await refused('./empty')).toContain(remedy)
    const manifest = join(folder, 'package.json')
    for (const text of ['{ "private": true }', '{ "type": "commonjs" }', 'null', '{']) {
      writeFileSync(manifest, text)
      expect(await refused('./empty')).toContain(
        `${file} cannot be imported: ${manifest} does not say "type": "module"\n    write that into it: npm pkg set type=module`,
      )
    }
    // The package comes, and nobody starts anything anew.
    writeFileSync(manifest, '{ "private": true, "type": "module" }')
    expect(await refused('./empty')).toContain('has no default export of a cube\n    write export default dataplane(…)')
  })

  test('another copy of Tessera than this', async () => {
    const other = join(folder, 'two/node_modules/tessera')
    mkdirSync(other, { recursive: true })
    writeFileSync(
      join(other, 'package.json'),
      '{ "name": "tessera", "exports": { "./package.json": "./package.json" } }',
    )
    mkdirSync(join(folder, 'two/cube'))
    writeFileSync(join(folder, 'two/cube/dataplane.ts'), 'export const nothing = 1\n')
    const here = join(import.meta.dirname, '../..')
    expect(await refused('./two/cube')).toBe(
      `${folder}/two/cube/dataplane.ts imports Tessera from ${other}, and this is Tessera in ${here}\n` +
        `    run that one: ${other}/bin/tessera.js; or have its package import this one: npm install ${here}`,
    )
  })
})

describe('by the command, a module is told that', () => {
  const compiled = (name: string, text: string) => {
    const cube = join(folder, name)
    mkdirSync(cube)
    writeFileSync(join(cube, 'package.json'), '{ "private": true, "type": "module" }')
    writeFileSync(join(cube, 'dataplane.ts'), text)
    const tessera = join(import.meta.dirname, '../../bin/tessera.js')
    const { status, stderr } = spawnSync(process.execPath, [tessera, 'compile', cube], { encoding: 'utf8' })
    return { status, stderr: stderr.replaceAll(`${cube}/`, '') }
  }

  test('awaits what never comes, where the process has nothing else to do', () => {
    expect(compiled('endless', 'await new Promise(() => {})\n')).toEqual({
      status: 1,
      stderr: 'dataplane.ts cannot be imported: it awaits at its top level what never comes\n',
    })
  })

  const remedy = '    a module runs when it is imported: it must come to its end, and leave the process alone\n'

  test('ends the process', () => {
    const { status, stderr } = compiled('leaving', 'const none: number = 0\nprocess.exit(none)\n')
    expect(status).toBe(1)
    expect(stderr).toBe(
      `dataplane.ts:2:9: dataplane.ts ended the process while it was imported\n  2 | process.exit(none)\n    |         ^\n${remedy}`,
    )
  })

  test('does not come to its end', () => {
    const { status, stderr } = compiled('spinning', 'type Unused = string\nwhile (true) {}\n')
    expect(status).toBe(1)
    expect(stderr).toBe(
      `dataplane.ts:2:1: dataplane.ts does not come to an end while it is imported\n  2 | while (true) {}\n    | ^\n${remedy}`,
    )
  }, 60_000)
})

describe('a module that cannot be imported', () => {
  const file = join(folder, 'broken.ts')
  writeFileSync(file, 'const a = 1\nthrow new Error("boom")\n')
  const placed = (error: unknown) => {
    const [first] = importFailure(file, error).diagnostics
    return { message: first?.message, line: first?.place?.line, column: first?.place?.column, text: first?.place?.text }
  }

  test('mistakes in the syntax are placed', () => {
    const error = new Error(`Transform failed with 1 error:\n${file}:2:6: ERROR: Unexpected "new"`)
    expect(placed(error)).toEqual({ message: 'Unexpected "new"', line: 2, column: 7, text: 'throw new Error("boom")' })
  })

  test('what it throws is placed in its own folder', () => {
    const error = new Error('boom')
    error.stack = `Error: boom\n    at inner (/elsewhere/lib.ts:9:9)\n    at file://${file}:2:7`
    expect(placed(error)).toMatchObject({ line: 2, column: 7, text: 'throw new Error("boom")' })
    expect(placed(error).message).toContain('cannot be imported: boom')
  })

  test.each([
    ["Cannot find package 'zod' imported from /a/schema.ts", 'npm install CLONE zod'],
    ['Cannot require() ES Module /a/dataplane.ts in a cycle.', 'npm pkg set type=module'],
    ["Cannot find package 'lodash' imported from /a/dataplane.ts", 'run npm install lodash in the package'],
    ["Cannot find module '/a/shcema.ts' imported from /a/dataplane.ts", 'is the import spelled right?'],
    ['hash is not defined', 'import hash, or declare it above'],
    ["Cannot access 'mine' before initialization", 'schema.ts imports neither dataplane.ts nor control.ts'],
  ])('what is missing around it: %s', (message, remedy) => {
    expect(importFailure(file, new Error(message)).diagnostics[0]?.remedy).toContain(remedy)
  })

  test('where no package says that modules are ES modules, that is said', () =>
    expect(placed(new Error('require() of ES Module /a.ts not supported')).message).toContain(
      'package.json does not say "type": "module"',
    ))

  test('what a schema says is no mere throw', () =>
    expect(importFailure(file, new RangeError('cube x: no')).diagnostics[0]?.remedy).toBeUndefined())

  test('what is thrown may be anything', () => {
    expect(importFailure(file, 'a text')).toBeInstanceOf(Refusal)
    expect(importFailure(file, undefined).message).toContain('undefined')
  })
})
