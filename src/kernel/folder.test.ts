import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeFolder } from './folder.ts'

describe('folders', () => {
  let parent: string

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'tessera-folder-'))
  })
  afterEach(() => rmSync(parent, { recursive: true }))

  test('are made with those above them, and may be there', () => {
    const folder = join(parent, 'a/b/c')
    makeFolder(folder)
    makeFolder(folder)
    expect(existsSync(folder)).toBe(true)
  })

  test('are not made where something else is', () => {
    writeFileSync(join(parent, 'file'), '')
    symlinkSync('nowhere', join(parent, 'link'))
    for (const name of ['file', 'link']) expect(() => makeFolder(join(parent, name))).toThrow('EEXIST')
  })

  test('are made while somebody else makes and removes them', async () => {
    const folder = JSON.stringify(join(parent, 'a'))
    const script = `const { mkdirSync, rmdirSync } = require('node:fs')
      console.log('begun')
      for (;;) try { mkdirSync(${folder}); rmdirSync(${folder}) } catch {}`
    const other = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await once(other.stdout, 'data')
      for (let times = 0; times < 3000; times++) {
        makeFolder(join(parent, 'a'))
        rmSync(join(parent, 'a'), { recursive: true, force: true })
      }
    } finally {
      other.kill('SIGKILL')
      await once(other, 'exit')
    }
  })
})
