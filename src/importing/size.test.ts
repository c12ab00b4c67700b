import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mustAllBeShort, mustBeShort } from './size.ts'

const MIB = 1_048_576
const folder = mkdtempSync(join(tmpdir(), 'tessera-size-'))
const write = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
let long = ''
beforeAll(() => {
  write('full.ts', ' '.repeat(MIB))
  long = write('long.ts', ' '.repeat(MIB + 1))
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a module may have 1 MiB', () => {
  expect(() => mustBeShort(join(folder, 'full.ts'))).not.toThrow()
  expect(() => mustBeShort(long)).toThrow(`${long} has 1048577 bytes; 1048576 are the most of a module`)
})

test('so may each that it imports, directly or not', () => {
  write('near.ts', "import { one } from './self.ts'\nexport * from './near.ts'\nexport const two = one\n")
  write('self.ts', "import type { Two } from './full.ts'\nimport { z } from 'zod'\n")
  const fine = write('fine.ts', "import './near.ts'\nimport { none } from './missing.ts'\n")
  expect(() => mustAllBeShort(fine)).not.toThrow()
  write('between.ts', "export { one } from './long.ts'\n")
  const far = write('far.ts', "import { near } from './near.ts'\nconst between = await import('./between.ts')\n")
  expect(() => mustAllBeShort(far)).toThrow(`${long} has`)
})

test('one that is not there is left to whoever reads it', () => {
  expect(() => mustAllBeShort(join(folder, 'nowhere.ts'))).not.toThrow()
  expect(() => mustAllBeShort(folder)).not.toThrow()
})
