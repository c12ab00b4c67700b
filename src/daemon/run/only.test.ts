import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockFile } from '../../kernel/lock.ts'
import { lockDaemon } from './only.ts'

describe('there is one daemon', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-only-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test.each([
    ['daemon.lock', 'a daemon runs already'],
    ['control.lock', 'another command runs the control planes of graphs'],
  ])('who holds %s is told, and how to end it', (lock, says) => {
    {
      using _other = lockFile(join(folder, lock))
      const who = `${says} \\(process ${process.pid}\\)\\n +kill ${process.pid} ends it`
      expect(() => lockDaemon(folder)).toThrow(new RegExp(who))
    }
    using _daemon = lockDaemon(folder)
  })
})
