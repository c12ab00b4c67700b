import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeKernel } from './fixtures.ts'
import { lockFile } from './lock.ts'

describeKernel('locks', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-lock-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('one holder at a time, named in the refusal, and no file left', () => {
    const path = join(folder, 'a/b/lock')
    const lock = lockFile(path)
    expect(() => lockFile(path)).toThrow(`another process (${process.pid}) holds ${path}`)
    lock[Symbol.dispose]()
    expect(existsSync(path)).toBe(false)
    lockFile(path)[Symbol.dispose]()
  })

  test('the lock of a process that was killed is free, whatever its file says', () => {
    const path = join(folder, 'lock')
    const module = JSON.stringify(new URL('./lock.ts', import.meta.url).href)
    const script = `import { lockFile } from ${module}\nlockFile(${JSON.stringify(path)})\nprocess.kill(process.pid, 'SIGKILL')`
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({ signal: 'SIGKILL', stderr: '' })
    expect(existsSync(path)).toBe(true)
    lockFile(path)[Symbol.dispose]()
    expect(existsSync(path)).toBe(false)
  })

  test('a folder that cannot be made is refused', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => lockFile(join(folder, 'file/lock'))).toThrow(/cannot lock .*: (ENOTDIR|EEXIST)/)
  })
})
