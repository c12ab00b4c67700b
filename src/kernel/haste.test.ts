import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { describeKernel } from './fixtures.ts'
import { calm, Haste, MANY } from './haste.ts'

const isExpedited = () => readFileSync('/sys/kernel/rcu_expedited', 'utf8').trim() === '1'
const LOCK = '/run/tessera/haste.lock'

// Where it cannot be had, or somebody has it already, nothing is to be seen.
const cannot = (): boolean => {
  using haste = new Haste()
  for (let count = 0; count < MANY; count++) haste.count()
  return !existsSync(LOCK)
}

describeKernel('haste', () => {
  afterEach(() => calm())

  test.skipIf(cannot())('begins with many, and ends with them', () => {
    {
      using haste = new Haste()
      for (let count = 1; count < MANY; count++) haste.count()
      expect(isExpedited()).toBe(false)
      haste.count()
      expect(isExpedited()).toBe(true)
    }
    expect([isExpedited(), existsSync(LOCK)]).toEqual([false, false])
  })

  test.skipIf(cannot())('of a process that was killed ends with it', async () => {
    const module = JSON.stringify(new URL('./haste.ts', import.meta.url).href)
    const script = `import { Haste, MANY } from ${module}
      const haste = new Haste()
      for (let count = 0; count < MANY; count++) haste.count()
      process.kill(process.pid, 'SIGKILL')`
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' })).toMatchObject({ signal: 'SIGKILL', stderr: '' })
    await expect.poll(isExpedited, { timeout: 20_000 }).toBe(false)
    // Or whoever else has opened the machine meanwhile has done so.
    calm()
    expect(existsSync(LOCK)).toBe(false)
  })

  test.skipIf(cannot())('of one whose guard was killed as well ends when somebody comes', () => {
    // Whose process is no more.
    const { pid } = spawnSync('/bin/true')
    mkdirSync(dirname(LOCK), { recursive: true })
    writeFileSync(LOCK, `${pid}\n`)
    writeFileSync('/sys/kernel/rcu_expedited', '1')
    calm()
    expect(isExpedited()).toBe(false)
  })
})
