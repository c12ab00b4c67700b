import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { isSameNamespace } from '../backend/same-namespace.ts'
import { refusal } from '../base/diagnostic.ts'
import { check, ERRNO, failure, fileFailure, hasCode } from './errno.ts'
import { mount, setns, umount, unshare } from './ffi.ts'
import { lockFile } from './lock.ts'
import { NETNS_FOLDER, namespaceFile, openNamespace, openOwnNamespace, ownNamespace } from './namespace-file.ts'
import { changeLink } from './netlink/link.ts'
import { SHARED_FOLDER } from './places.ts'

/**
 * Named network namespaces as `ip netns` makes them (iproute2, ip/ipnetns.c), so that either sees the other's. Only the
 * main thread moves, and it is back before a function here returns.
 */

const CLONE_NEWNET = 0x40000000
const MS_BIND = 0x1000
const MS_REC = 0x4000
const MS_SHARED = 1 << 20
const MNT_DETACH = 2

/** Exists while {@link NETNS_FOLDER} is a mount point because of this project. */
const MARKER = join(SHARED_FOLDER, 'netns-mounted')

/** Makes a namespace with its loopback interface up. It stays until removed, whatever becomes of this process. */
export function createNamespace(name: string): void {
  const file = namespaceFile(name)
  exclusively(() => {
    prepareFolder()
    try {
      closeSync(openSync(file, 'wx', 0o000))
    } catch (error) {
      throw fileFailure('namespace', `create the network namespace "${name}"`, error)
    }
    try {
      returning(() => {
        const what = `create the network namespace "${name}"`
        check(unshare(CLONE_NEWNET), 'namespace', what)
        check(mount('/proc/thread-self/ns/net', file, null, MS_BIND), 'namespace', what)
        changeLink('lo', { up: true })
      })
    } catch (error) {
      forget(file)
      throw error
    }
  })
}

/** Its interfaces go when nobody uses it any more. False where there was none. */
export function removeNamespace(name: string): boolean {
  const file = namespaceFile(name)
  return exclusively(() => {
    const there = forget(file)
    cleanFolder()
    return there
  })
}

export const hasNamespace = (name: string): boolean => existsSync(namespaceFile(name))

export const namespaces = (): string[] => (existsSync(NETNS_FOLDER) ? readdirSync(NETNS_FOLDER).sort() : [])

/**
 * Runs inside the namespace: sockets opened there stay there, and child processes started there inherit it. Not for
 * asynchronous functions: what comes after an await would run outside.
 */
export function inNamespace<T>(name: string, run: () => T): T {
  const target = openNamespace(name)
  try {
    return returning(() => {
      check(setns(target, CLONE_NEWNET), 'namespace', `enter the network namespace "${name}"`)
      const result = run()
      if (result instanceof Promise)
        throw refusal(`what runs in the network namespace "${name}" must not be asynchronous`)
      return result
    })
  } finally {
    closeSync(target)
  }
}

/**
 * Runs inside the namespace of which this was {@link ownNamespace}, as {@link inNamespace} does; in the caller's where neither a name
 * nor a process has it any more.
 */
export function withinNamespace<T>(namespace: string, run: () => T): T {
  const target = findNamespace(namespace)
  if (target === undefined) return run()
  try {
    return returning(() => {
      check(setns(target, CLONE_NEWNET), 'namespace', `enter the network namespace ${namespace}`)
      return run()
    })
  } finally {
    closeSync(target)
  }
}

/** A handle. Its number alone may be that of another one by now. */
function findNamespace(namespace: string): number | undefined {
  for (const file of filesOf(namespace.split(' ')[0] ?? '')) {
    const handle = openSync(file, 'r')
    const found = returning(() => (setns(handle, CLONE_NEWNET) < 0 ? undefined : ownNamespace()))
    if (found !== undefined && isSameNamespace(found, namespace)) return handle
    closeSync(handle)
  }
  return undefined
}

/** Where `net:[4026531840]` may be entered, as far as this process may see it. */
function filesOf(link: string): string[] {
  const number = /\d+/.exec(link)?.[0]
  const named = namespaces().map((name) => join(NETNS_FOLDER, name))
  const processes = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? `/proc/${name}/ns/net` : []))
  const isIt = (file: string): boolean => {
    try {
      return String(statSync(file).ino) === number
    } catch {
      return false
    }
  }
  return [...named, ...processes].filter(isIt)
}

/** Runs, then goes back to the namespace of before. */
function returning<T>(run: () => T): T {
  const home = openOwnNamespace()
  try {
    return run()
  } finally {
    check(setns(home, CLONE_NEWNET), 'namespace', 'return to the network namespace of before')
    closeSync(home)
  }
}

function forget(file: string): boolean {
  const result = umount(file, MNT_DETACH)
  // EINVAL: the file is there and nothing is mounted on it, which is how a creation that was killed leaves it.
  if (result < 0 && result !== -ERRNO.EINVAL && result !== -ERRNO.ENOENT) {
    throw failure('namespace', `remove ${file}`, result)
  }
  try {
    unlinkSync(file)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw fileFailure('namespace', `remove ${file}`, error)
  }
}

function exclusively<T>(run: () => T): T {
  const lock = lockFile(join(SHARED_FOLDER, 'netns.lock'), true)
  try {
    return run()
  } finally {
    lock[Symbol.dispose]()
  }
}

/** A shared mount of its own, so that a namespace removed here also goes from other mount namespaces. */
function prepareFolder(): void {
  const what = `prepare ${NETNS_FOLDER}`
  mkdirSync(NETNS_FOLDER, { recursive: true, mode: 0o755 })
  const share = () => mount('', NETNS_FOLDER, 'none', MS_SHARED | MS_REC)
  if (share() !== -ERRNO.EINVAL) return
  check(mount(NETNS_FOLDER, NETNS_FOLDER, 'none', MS_BIND | MS_REC), 'namespace', what)
  check(share(), 'namespace', what)
  writeFileSync(MARKER, '')
}

/** After the last name, the host is as it was before the first. */
function cleanFolder(): void {
  if (!existsSync(MARKER) || namespaces().length > 0) return
  if (isMountPoint() && umount(NETNS_FOLDER, 0) < 0) return
  rmSync(MARKER, { force: true })
  try {
    rmdirSync(NETNS_FOLDER)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'ENOENT', 'EBUSY')) throw error
  }
}

const isMountPoint = (): boolean =>
  readFileSync('/proc/thread-self/mountinfo', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[4] === NETNS_FOLDER)
