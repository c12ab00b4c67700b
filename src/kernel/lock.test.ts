import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
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

  test('others can neither take it nor keep it from us', () => {
    chmodSync(folder, 0o755)
    const path = join(folder, 'lock')
    const asOther = () => spawnSync('cat', [path], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
    for (const left of [undefined, 0o644]) {
      if (left !== undefined) writeFileSync(path, '', { mode: left })
      using _lock = lockFile(path)
      expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(asOther()).toMatchObject({ status: 1, stderr: expect.stringContaining('Permission denied') })
    }
  })

  test('one whose file was removed is let go of', () => {
    const path = join(folder, 'lock')
    const lock = lockFile(path)
    rmSync(path)
    lock[Symbol.dispose]()
    lockFile(path)[Symbol.dispose]()
  })

  test('a folder that cannot be made is refused', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => lockFile(join(folder, 'file/lock'))).toThrow(/cannot lock .*: (ENOTDIR|EEXIST)/)
    // Where nothing can be made, it says that something is not there.
    expect(() => lockFile('/proc/none/lock')).toThrow(/cannot lock .*: ENOENT/)
  })
})
