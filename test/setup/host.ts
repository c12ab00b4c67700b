/** Before tests that look at the whole host: nobody else's such tests run, and nothing is there of runs that were killed. */
import { setTimeout } from 'node:timers/promises'
import { lockFile, Occupied } from '../../src/kernel/lock.ts'
import { removeLeft } from './left.ts'

const LOCK = '/run/lock/tessera-test.lock'

export default async function setup(): Promise<(() => void) | undefined> {
  // Without root there is nothing to look at.
  if (process.getuid?.() !== 0) return undefined
  const lock = await turn()
  for (const line of await removeLeft()) console.log(`removed, of a test run that was killed: ${line}`)
  return () => lock[Symbol.dispose]()
}

/** The lock goes with its process, so whoever waits does so for tests that run. */
async function turn(): Promise<Disposable> {
  for (let isSaid = false; ; await setTimeout(200)) {
    try {
      return lockFile(LOCK)
    } catch (error) {
      if (!(error instanceof Occupied)) throw error
      if (!isSaid) console.log(`waiting for another test run on this host: ${error.diagnostics[0]?.message}`)
      isSaid = true
    }
  }
}
