/** The command as a process: how it ends where there is nothing to say but a line, or nobody to say it to. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const TESSERA = join(import.meta.dirname, '../bin/tessera.js')

const tessera = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  spawn(process.execPath, [TESSERA, ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

test('a name that is none for an instance is refused without a stack', async () => {
  const child = tessera(['get'], { TESSERA_INSTANCE: '../x' })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  expect(said).toBe('TESSERA_INSTANCE is "../x"\n    lower-case letters, digits and dashes, at most 31\n')
  expect(code).toBe(1)
})

test('whoever reads no more ends it, and no more is said', async () => {
  const child = tessera(['--help'])
  child.stdout.destroy()
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
  expect([said, code]).toEqual(['', 141])
})
