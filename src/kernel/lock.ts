import {
  closeSync,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { viewOf } from '../base/bytes.ts'
import { type Diagnostic, Refusal } from '../base/diagnostic.ts'
import { check, ERRNO, fileFailure, hasCode } from './errno.ts'
import { control, flock } from './ffi.ts'
import { makeFolder } from './folder.ts'
import { RUN_FOLDER, SHARED_FOLDER } from './places.ts'

/** Somebody else has the lock. */
export class Occupied extends Refusal {
  /** The number of their process, where it is known. */
  readonly owner: number | undefined

  constructor(diagnostics: readonly Diagnostic[], owner?: number) {
    super(diagnostics)
    this.owner = owner
  }
}

/** sys/file.h. Held by whoever has the lock, and for a moment by who removes the file of somebody who was killed. */
const LOCK_EX = 2
const LOCK_NB = 4
/** Milliseconds. */
const MOMENT = 100

/** fcntl(2): another lock of the open file, about which one can ask (F_OFD_GETLK and F_OFD_SETLK, linux/fcntl.h). Linux 3.15. */
const BESIDE = { ask: 36, set: 37 } as const
/** Of `struct flock`: | type 16 | whence 16 | padding 32 | start 64 | length 64 | process 32 | padding 32 |, zeros for the whole file. */
const FLOCK_SIZE = 32
const TYPE = { write: 1, none: 2 } as const

function wholeFile(): Uint8Array {
  const lock = new Uint8Array(FLOCK_SIZE)
  viewOf(lock).setUint16(0, TYPE.write, true)
  return lock
}

/**
 * Holds `path` until disposed, or until the process ends in whatever way. `wait` waits for whoever holds it; otherwise
 * that is {@link Occupied}. The file holds the owner's process id and is removed with the lock.
 */
export function lockFile(path: string, wait = false): Disposable {
  for (let moments = 0; ; ) {
    const fd = openForever(path)
    const result = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB)
    if (result < 0) {
      const isForAMoment = result === -ERRNO.EAGAIN && !isHeld(fd, path) && moments++ < MOMENT
      closeSync(fd)
      if (isForAMoment) pause()
      if (isForAMoment || result === -ERRNO.EINTR) continue
      if (result === -ERRNO.EAGAIN) throw held(path)
      check(result, 'lock', `lock ${path}`)
    }
    // The previous owner may have removed the file between our open and our lock: then it protects nothing.
    if (!isSameFile(fd, path)) {
      closeSync(fd)
      continue
    }
    check(control(fd, BESIDE.set, wholeFile()), 'lock', `lock ${path}`)
    try {
      writeSync(fd, `${process.pid}\n`, 0)
    } catch (error) {
      // On a disk that is full.
      closeSync(fd)
      throw new Refusal(fileFailure('lock', `lock ${path}`, error).diagnostics, { cause: error })
    }
    const release = () => {
      process.off('exit', release)
      try {
        // Somebody may have removed it meanwhile.
        rmSync(path, { force: true })
      } finally {
        closeSync(fd)
      }
      removeEmptyFolder(dirname(path))
    }
    // An orderly end, as after Ctrl-C, takes the file along; another one only the lock.
    process.on('exit', release)
    return { [Symbol.dispose]: release }
  }
}

/** Whoever can open it can lock it, for reading as well. */
const FOR_US = 0o600

/** Opens or creates, also when the folder is being removed at the same time. */
function openForever(path: string): number {
  for (;;) {
    try {
      const fd = openSync(path, 'a', FOR_US)
      if ((fstatSync(fd).mode & 0o777) !== FOR_US) fchmodSync(fd, FOR_US)
      return fd
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw fileFailure('lock', `lock ${path}`, error)
    }
    try {
      makeFolder(dirname(path))
    } catch (error) {
      throw fileFailure('lock', `lock ${path}`, error)
    }
  }
}

function isSameFile(fd: number, path: string): boolean {
  const mine = fstatSync(fd)
  const named = statSync(path, { throwIfNoEntry: false })
  return named !== undefined && named.ino === mine.ino && named.dev === mine.dev
}

/** Whether somebody holds a lock: whoever takes it meanwhile gets it. The file of somebody who was killed goes. */
export function isLocked(path: string): boolean {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw fileFailure('lock', `ask who holds ${path}`, error)
  }
  try {
    if (isHeld(fd, path)) return true
    if (flock(fd, LOCK_EX | LOCK_NB) === 0 && isSameFile(fd, path)) {
      unlinkSync(path)
      removeEmptyFolder(dirname(path))
    }
    return false
  } finally {
    closeSync(fd)
  }
}

function isHeld(fd: number, path: string): boolean {
  const lock = wholeFile()
  check(control(fd, BESIDE.ask, lock), 'lock', `ask who holds ${path}`)
  return viewOf(lock).getUint16(0, true) !== TYPE.none
}

/** A millisecond. */
const pause = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)

function held(path: string): Occupied {
  let owner = ''
  try {
    owner = readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''
  } catch {
    // The owner has just let go; the message does without its number.
  }
  const message = `another process${owner === '' ? '' : ` (${owner})`} holds ${path}`
  const remedy = 'wait until it is done, or end it; the lock goes with its process'
  return new Occupied([{ message, remedy }], owner === '' ? undefined : Number(owner))
}

/** Only of our own folders: other folders were there before. */
function removeEmptyFolder(folder: string): void {
  if (folder !== RUN_FOLDER && folder !== SHARED_FOLDER) return
  try {
    rmdirSync(folder)
  } catch (error) {
    // EBUSY: something is mounted there, as in containers. EROFS: it is all that can be written there, as in services of systemd.
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT', 'EBUSY', 'EROFS')) throw error
  }
}
