import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stampOfCube } from './sources.ts'

const given = (file: string): string => `from '${file}'`

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-sources-'))
  write('cubes/one/schema.ts', `import { limit } ${given('../../shared/limits.ts')}\nexport const one = limit`)
  write(
    'cubes/one/dataplane.ts',
    "import { one } from './schema.ts'\nimport kit from 'kit'\nimport 'node:fs'\nexport default one + kit",
  )
  write('shared/limits.ts', `export * ${given('./more.ts')}\n/* ${given('../nowhere.ts')} */\nexport const limit = 1`)
  write('shared/more.ts', "export {} from './limits.ts'\nimport '@here/near'")
  write('shared/other.ts', '')
  write('near/package.json', '{ "name": "@here/near", "main": "main.ts" }')
  write('near/main.ts', "import './deep.ts'")
  write('near/deep.ts', '')
  write('node_modules/kit/package.json', '{ "name": "kit", "main": "main.js" }')
  write('node_modules/kit/main.js', "import './inner.js'")
  write('node_modules/kit/inner.js', '')
  mkdirSync(join(folder, 'node_modules/@here'))
  symlinkSync(join(folder, 'near'), join(folder, 'node_modules/@here/near'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(file: string, text: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const stamp = () => stampOfCube(join(folder, 'cubes/one/dataplane.ts'))

test('a cube is what its folder says, and what that imports from elsewhere', () => {
  const before = stamp()
  expect(stamp()).toBe(before)
  for (const file of [
    'cubes/one/schema.ts',
    'shared/limits.ts',
    'shared/more.ts',
    'near/deep.ts',
    'node_modules/kit/main.js',
  ]) {
    const now = stamp()
    appendFileSync(join(folder, file), '// changed')
    expect(stamp(), file).not.toBe(now)
  }
})

test('what comes or goes makes another one of it, and what it does not import does not', () => {
  const before = stamp()
  write('shared/other.ts', '// changed')
  write('cubes/one/cube.test.ts', '')
  write('cubes/one/node_modules/unused/main.js', '')
  expect(stamp()).toBe(before)
  write('cubes/one/control.ts', '')
  const controlled = stamp()
  expect(controlled).not.toBe(before)
  rmSync(join(folder, 'shared/more.ts'))
  expect(stamp()).not.toBe(controlled)
})
