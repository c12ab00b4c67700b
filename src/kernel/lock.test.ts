import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeKernel } from './fixtures.ts'
import { isLocked, lockFile } from './lock.ts'

/** A process that asks all the time. */
class Asking {
  readonly #process: ChildProcess
  readonly begun: Promise<unknown>

  constructor(path: string) {
    const module = JSON.stringify(new URL('./lock.ts', import.meta.url).href)
    const script = `import { isLocked } from ${module}\nconsole.log('begun')\nfor (;;) isLocked(${JSON.stringify(path)})`
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.begun = once(this.#process.stdout ?? this.#process, 'data')
  }

  [Symbol.dispose](): void {
    this.#process.kill('SIGKILL')
  }
}

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
    writeFileSync(path, '')
    expect(isLocked(path)).toBe(false)
    expect(existsSync(path)).toBe(false)
  })

  test('to ask who holds it is neither to take it nor to make its file', async () => {
    const path = join(folder, 'a/lock')
    expect(isLocked(path)).toBe(false)
    expect(existsSync(join(folder, 'a'))).toBe(false)
    const lock = lockFile(path)
    expect(isLocked(path)).toBe(true)
    lock[Symbol.dispose]()
    expect(isLocked(path)).toBe(false)
    using asking = new Asking(path)
    await asking.begun
    for (let i = 0; i < 300; i++) lockFile(path)[Symbol.dispose]()
  })

  test('a folder that cannot be made is refused', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => lockFile(join(folder, 'file/lock'))).toThrow(/cannot lock .*: (ENOTDIR|EEXIST)/)
  })
})
