/** What is read of a folder that somebody else may change while it is read. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import { readCube } from './staging.ts'

const home = mkdtempSync(join(tmpdir(), 'tessera-staging-'))
const folder = join(home, 'cube')
const secret = join(home, 'secret')
mkdirSync(join(folder, 'lib'), { recursive: true })
mkdirSync(secret)
for (const name of ['schema.ts', 'dataplane.ts', 'lib/one.ts']) writeFileSync(join(folder, name), `// ${name}`)
writeFileSync(join(secret, 'one.ts'), 'secret')
afterAll(() => rmSync(home, { recursive: true }))

/** Nothing where there is no such file. */
const text = (path: string) => new TextDecoder().decode(readCube(folder).get(path))

test('files of all folders are read', () => {
  expect([...readCube(folder).keys()]).toEqual(['dataplane.ts', 'lib/one.ts', 'schema.ts'])
  expect(text('lib/one.ts')).toBe('// lib/one.ts')
})

test('a link or a pipe is no file of it, nor what is too large', () => {
  const more = join(folder, 'more.ts')
  symlinkSync(join(secret, 'one.ts'), more)
  expect(() => readCube(folder)).toThrow(`${more} is no file of the cube`)
  rmSync(more)
  symlinkSync(secret, more)
  expect(() => readCube(folder)).toThrow(`${more} is no file of the cube`)
  rmSync(more)
  execFileSync('mkfifo', [more])
  expect(() => readCube(folder)).toThrow(`${more} is no file of the cube`)
  rmSync(more)
  writeFileSync(more, '')
  truncateSync(more, 1 << 30)
  expect(() => readCube(folder)).toThrow('too large')
  rmSync(more)
})

test('a link that comes in the place of a folder meanwhile is not followed', async () => {
  const swap = `
const { renameSync, symlinkSync } = require('node:fs')
const { at, link, aside, secret } = require('node:worker_threads').workerData
symlinkSync(secret, link)
for (;;) {
  renameSync(at, aside)
  renameSync(link, at)
  renameSync(at, link)
  renameSync(aside, at)
}`
  const workerData = { at: join(folder, 'lib'), link: join(home, 'link'), aside: join(home, 'aside'), secret }
  const worker = new Worker(swap, { eval: true, workerData })
  await new Promise((resolve) => worker.once('online', resolve))
  const seen = new Set<string>()
  for (let count = 0; count < 1_000; count++)
    try {
      seen.add(text('lib/one.ts'))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
  await worker.terminate()
  // Between two of its steps the folder is not there.
  expect([...seen].filter((read) => read !== '')).toEqual(['// lib/one.ts'])
})
