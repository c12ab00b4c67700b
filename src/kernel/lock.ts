import { closeSync, fstatSync, openSync, readFileSync, rmdirSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { Refusal } from '../base/diagnostic.ts'
import { check, ERRNO, fileFailure, hasCode } from './errno.ts'
import { flock } from './ffi.ts'
import { makeFolder } from './folder.ts'
import { RUN_FOLDER, SHARED_FOLDER } from './places.ts'

/** Somebody else has the lock. */
export class Occupied extends Refusal {}

/** sys/file.h */
const LOCK_EX = 2
const LOCK_NB = 4

/**
 * Holds `path` until disposed, or until the process ends in whatever way. `wait` waits for whoever holds it; otherwise
 * that is {@link Occupied}. The file holds the owner's process id and is removed with the lock.
 */
export function lockFile(path: string, wait = false): Disposable {
  for (;;) {
    const fd = openForever(path)
    const result = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB)
    if (result < 0) {
      closeSync(fd)
      if (result === -ERRNO.EINTR) continue
      if (result === -ERRNO.EAGAIN) throw held(path)
      check(result, 'lock', `lock ${path}`)
    }
    // The previous owner may have removed the file between our open and our lock: then it protects nothing.
    if (!isSameFile(fd, path)) {
      closeSync(fd)
      continue
    }
    writeSync(fd, `${process.pid}\n`, 0)
    const release = () => {
      process.off('exit', release)
      unlinkSync(path)
      closeSync(fd)
      removeEmptyFolder(dirname(path))
    }
    // An orderly end, as after Ctrl-C, takes the file along; another one only the lock.
    process.on('exit', release)
    return { [Symbol.dispose]: release }
  }
}

/** Opens or creates, also when the folder is being removed at the same time. */
function openForever(path: string): number {
  for (;;) {
    try {
      makeFolder(dirname(path))
      return openSync(path, 'a')
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw fileFailure('lock', `lock ${path}`, error)
    }
  }
}

function isSameFile(fd: number, path: string): boolean {
  const mine = fstatSync(fd)
  const named = statSync(path, { throwIfNoEntry: false })
  return named !== undefined && named.ino === mine.ino && named.dev === mine.dev
}

/** Whether somebody holds a lock. To ask is to hold it for a moment. */
export function isLocked(path: string): boolean {
  try {
    lockFile(path)[Symbol.dispose]()
    return false
  } catch (error) {
    if (!(error instanceof Occupied)) throw error
    return true
  }
}

function held(path: string): Occupied {
  let owner = ''
  try {
    owner = readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? ''
  } catch {
    // The owner has just let go; the message does without its number.
  }
  return new Occupied([
    {
      message: `another process${owner === '' ? '' : ` (${owner})`} holds ${path}`,
      remedy: 'wait until it is done, or end it; the lock goes with its process',
    },
  ])
}

/** Only of our own folders: other folders were there before. */
function removeEmptyFolder(folder: string): void {
  if (folder !== RUN_FOLDER && folder !== SHARED_FOLDER) return
  try {
    rmdirSync(folder)
  } catch (error) {
    // EBUSY: something is mounted there, as in containers.
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT', 'EBUSY')) throw error
  }
}
