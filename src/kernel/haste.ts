import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal } from '../base/diagnostic.ts'
import { isLocked, lockFile } from './lock.ts'
import { SHARED_FOLDER } from './places.ts'

/**
 * A program comes to an interface, and leaves it, only after all readers of RCU have gone by once (include/net/tcx.h,
 * tcx_entry_sync), which takes several ticks; and no interface of the host can change meanwhile. A thousand of them are half a minute.
 * In haste the kernel asks all CPUs at once instead of waiting for them (/sys/kernel/rcu_expedited), which takes a tenth or less.
 */
const EXPEDITED = '/sys/kernel/rcu_expedited'
/** The administrator wants none of it; or has CPUs that nobody is to disturb. */
const NORMAL = '/sys/kernel/rcu_normal'
const UNDISTURBED = '/sys/devices/system/cpu/nohz_full'

/** With fewer than these, what is won is not worth a change of the host. */
export const MANY = 64

/** There while somebody is in haste: a process that was killed has left it, and perhaps the kernel in haste. */
const LOCK = join(SHARED_FOLDER, 'haste.lock')

/** The kernel is in haste from the call that is one too many until disposed, if it can be. */
export class Haste implements Disposable {
  #count = 0
  #begun: Disposable | undefined

  /** Something that takes a grace period is about to be done. */
  count(): void {
    if (++this.#count === MANY && isWanted()) this.#begun = begin()
  }

  [Symbol.dispose](): void {
    this.#begun?.[Symbol.dispose]()
    this.#begun = undefined
  }
}

const isWanted = (): boolean =>
  read(EXPEDITED) === '0' && read(NORMAL) === '0' && ['', '(null)'].includes(read(UNDISTURBED) ?? '') && isOurs()

/** In a container, it may only be read. */
function isOurs(): boolean {
  try {
    accessSync(EXPEDITED, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Undefined where it may not be, or somebody else is in haste. */
function begin(): Disposable | undefined {
  try {
    const lock = lockFile(LOCK)
    const guard = standGuard()
    const end = () => {
      write('0')
      guard?.[Symbol.dispose]()
      lock[Symbol.dispose]()
    }
    if (write('1')) return { [Symbol.dispose]: end }
    end()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
  }
  return undefined
}

/**
 * A process that has the kernel take its time again when this one is killed: then its input ends. It is in a session of its own, for
 * what is typed at a terminal is not for it. Where there is no shell, or it is killed as well, {@link calm} does so.
 */
function standGuard(): Disposable | undefined {
  let child: ChildProcess
  try {
    child = spawn('/bin/sh', ['-c', `read -r _; echo 0 > ${EXPEDITED}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
  } catch {
    return undefined
  }
  child.on('error', () => undefined)
  return {
    [Symbol.dispose]: () => {
      child.kill('SIGKILL')
      child.stdin?.destroy()
    },
  }
}

/** Has the kernel take its time again after somebody who was killed in haste. */
export function calm(): void {
  if (existsSync(LOCK) && !isLocked(LOCK)) write('0')
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** False where it may not be written. */
function write(value: '0' | '1'): boolean {
  try {
    writeFileSync(EXPEDITED, value)
    return true
  } catch {
    return false
  }
}
