/** `tessera cube new`, in a package of somebody else: its test passes, its types are right, and it compiles. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const FOLDER = mkdtempSync(join(tmpdir(), 'tessera-new-'))
afterAll(() => rmSync(FOLDER, { recursive: true }))

const run = (...words: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: FOLDER, encoding: 'utf8' })
  return { status, printed: stdout + stderr }
}

const installed = (...path: readonly string[]): string => join(ROOT, 'node_modules', ...path)

test('a new cube works as it is', { timeout: 120_000 }, () => {
  writeFileSync(join(FOLDER, 'package.json'), '{ "type": "module" }')
  const made = run(join(ROOT, 'bin/tessera.js'), 'cube', 'new', './my-cube')
  expect(made).toMatchObject({ status: 0, printed: expect.stringContaining('npm install') })
  expect(readdirSync(join(FOLDER, 'my-cube')).sort()).toEqual([
    'control.ts',
    'cube.test.ts',
    'dataplane.ts',
    'schema.ts',
  ])

  mkdirSync(join(FOLDER, 'node_modules/@types'), { recursive: true })
  for (const name of ['zod', 'vitest', '@types/node']) symlinkSync(installed(name), join(FOLDER, 'node_modules', name))
  symlinkSync(ROOT, join(FOLDER, 'node_modules/tessera'))
  writeFileSync(
    join(FOLDER, 'tsconfig.json'),
    JSON.stringify({ extends: 'tessera/tsconfig.json', include: ['my-cube'] }),
  )
  expect(run(installed('typescript/bin/tsc'), '--noEmit')).toEqual({ status: 0, printed: '' })
  expect(run(installed('vitest/vitest.mjs'), 'run', '--root', FOLDER)).toMatchObject({ status: 0 })
  const compiled = run(join(ROOT, 'bin/tessera.js'), 'compile', './my-cube')
  expect(compiled).toMatchObject({
    status: 0,
    printed: expect.stringContaining('const ethernet = packet.read(Ethernet)'),
  })
  const told = run(join(ROOT, 'bin/tessera.js'), 'cube', 'docs', 'my-cube')
  expect(told).toMatchObject({ status: 0, printed: expect.stringContaining('      cube: ./my-cube\n') })
})

test('says what is to be done first, where its package is not one of ES modules, or not here', () => {
  const folder = join(FOLDER, 'other')
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  const { printed } = run(join(ROOT, 'bin/tessera.js'), 'cube', 'new', './other/cubes')
  const steps = printed.slice(printed.indexOf('next:')).split('\n')
  expect(steps.filter((step) => !step.includes('npm install'))).toEqual([
    'next:',
    '  cd other',
    '  npm pkg set type=module',
    '  npx vitest run cubes',
    '  npx tessera compile cubes',
    '  npx tessera cube docs cubes',
    '',
  ])
})
