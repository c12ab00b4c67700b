import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ImportedApart } from './apart.ts'
import { furnish, ROOT } from './staging.ts'

const folder = mkdtempSync(join(tmpdir(), 'tessera-apart-'))
const manifest = join(folder, 'package.json')
const dataplane = join(folder, 'dataplane.ts')
const apart = new ImportedApart()

beforeAll(() => {
  writeFileSync(manifest, '{ "private": true, "type": "module" }')
  writeFileSync(dataplane, 'const none = 0\nprocess.exit(none)\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a cube that ends its process is refused, with the line', async () => {
  await expect(apart.check(folder)).rejects.toThrow(
    /^the cube in .* cannot be imported\n.*dataplane\.ts:2:9: .*dataplane\.ts ended the process while it was imported/,
  )
})

test('one that throws is refused as it would be elsewhere', async () => {
  writeFileSync(dataplane, "throw new Error('not today')\n")
  await expect(apart.check(folder)).rejects.toThrow(/dataplane\.ts:1:7: .*dataplane\.ts cannot be imported: not today/)
})

test('what can be imported is not imported again before it is another', async () => {
  const home = mkdtempSync(join(tmpdir(), 'tessera-apart-'))
  const cube = join(home, 'cube')
  try {
    furnish(home)
    cpSync(join(ROOT, 'examples/hub'), cube, { recursive: true })
    await apart.check(cube)
    // Without them, it could not be imported.
    rmSync(join(home, 'node_modules'), { recursive: true })
    await apart.check(cube)
    writeFileSync(join(cube, 'schema.ts'), 'process.exit()\n')
    await expect(apart.check(cube)).rejects.toThrow('cannot be imported')
  } finally {
    rmSync(home, { recursive: true })
  }
})

test('a folder without a cube is left to whoever reads it', async () => {
  await expect(apart.check(join(folder, 'nowhere'))).resolves.toBeUndefined()
})
