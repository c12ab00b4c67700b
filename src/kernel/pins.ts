import { type Dirent, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import { getObject, pinObject } from './bpf.ts'
import { BPFFS, ensureMounted, exclusively, isMounted, unmountIfOurs } from './bpffs.ts'
import { check, ERRNO, failure, fileFailure, hasCode } from './errno.ts'
import { close } from './ffi.ts'
import { makeFolder } from './folder.ts'
import { OWN_NAME } from './places.ts'

/** Every pin of this project is under this folder, which exists while there is one. */
const ROOT = join(BPFFS, OWN_NAME)

/** A replacement on its way: pinned under this name first, then renamed over the old pin, so that one is always there. */
const NEXT = '~'

/** The file of a pin. bpffs keeps names with dots for itself (kernel/bpf/inode.c, bpf_lookup). */
function fileOf(path: string): string {
  if (!/^[A-Za-z0-9_:@+=-]+(\/[A-Za-z0-9_:@+=-]+)*$/.test(path)) {
    throw refusal(`"${path}" is no path to pin at`, 'names are of letters, digits and _ - : @ + =, with / between them')
  }
  return join(ROOT, path)
}

export function pin(path: string, fd: number): void {
  const file = fileOf(path)
  exclusively(() => {
    // Mostly the folder is there already.
    if (pinObject(file, fd) === 0) return
    ensureMounted()
    makePinFolder(dirname(file), path)
    const result = pinObject(file, fd)
    if (result === 0) return
    removeEmptyFolders(dirname(file))
    throw failure('pin', `pin "${path}"`, result)
  })
}

/** From one moment to the next, something else is pinned at `path`; a process that dies here leaves one of the two. */
export function replacePin(path: string, fd: number): void {
  const file = fileOf(path)
  exclusively(() => {
    ensureMounted()
    makePinFolder(dirname(file), path)
    unlinkIfThere(file + NEXT)
    check(pinObject(file + NEXT, fd), 'pin', `pin "${path}"`)
    renameSync(file + NEXT, file)
  })
}

/** What is pinned at `from` is at `to` from one moment to the next, in place of what was there. */
export function movePin(from: string, to: string): void {
  const [old, fresh] = [fileOf(from), fileOf(to)]
  exclusively(() => {
    makePinFolder(dirname(fresh), to)
    try {
      renameSync(old, fresh)
    } catch (error) {
      throw fileFailure('pin', `move the pin "${from}" to "${to}"`, error)
    }
    removeEmptyFolders(dirname(old))
  })
}

function makePinFolder(folder: string, path: string): void {
  try {
    makeFolder(folder, 0o700)
  } catch (error) {
    throw fileFailure('pin', `pin "${path}"`, error)
  }
}

/** A new handle for what is pinned at `path`; undefined where nothing is. */
export function openPin(path: string): number | undefined {
  const file = fileOf(path)
  const fd = getObject(file)
  if (fd >= 0) return fd
  // A folder is EACCES: OBJ_GET looks for a regular file of the kinds it knows.
  const isNone = fd === -ERRNO.ENOENT || fd === -ERRNO.ENOTDIR || (fd === -ERRNO.EACCES && isFolder(file))
  if (isNone || !isMounted()) return undefined
  return check(fd, 'pin', `open the pin "${path}"`)
}

/** Runs with a handle for what is pinned at `path`, and closes it. */
export function withPin<T>(path: string, run: (fd: number) => T): T | undefined {
  const fd = openPin(path)
  if (fd === undefined) return undefined
  try {
    return run(fd)
  } finally {
    close(fd)
  }
}

const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined

const isFolder = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false

/** Pins under `prefix`, and folders that hold nothing, deepest first, relative to the root. */
export function pinned(prefix: string): string[] {
  const start = prefix === '' ? ROOT : fileOf(prefix.replace(/\/+$/, ''))
  if (!isMounted() || !isThere(start)) return []
  return (isFolder(start) ? leaves(start) : [start])
    .map((file) => file.slice(ROOT.length + 1))
    .filter((path) => path !== '')
    .map((path) => ({ path, depth: path.split('/').length }))
    .sort((a, b) => b.depth - a.depth || (a.path < b.path ? -1 : 1))
    .map(({ path }) => path)
}

/** The first names of all paths. */
export const pinFolders = (): readonly string[] =>
  isMounted() && isThere(ROOT) ? (entriesOf(ROOT) ?? []).map(({ name }) => name).sort() : []

/** Pins under a folder, or itself where there is nothing in it. */
function leaves(folder: string): string[] {
  const entries = entriesOf(folder)
  if (entries?.length === 0) return [folder]
  return (entries ?? []).flatMap((entry) => {
    const file = `${folder}/${entry.name}`
    return entry.isDirectory() ? leaves(file) : [file]
  })
}

/** Undefined: somebody else has just removed it. */
function entriesOf(folder: string): Dirent[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.endsWith(NEXT))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** Forgets a pin or an empty folder, and every folder above it that became empty. What is not there is forgotten already. */
export function unpin(path: string): void {
  const file = fileOf(path)
  if (!isMounted()) return
  exclusively(() => {
    try {
      unlinkIfThere(file + NEXT)
      if (isFolder(file)) removeFolder(file)
      else unlinkIfThere(file)
    } catch (error) {
      throw fileFailure('pin', `unpin "${path}"`, error)
    }
    removeEmptyFolders(dirname(file))
  })
}

function removeFolder(folder: string): void {
  for (const name of readdirSync(folder)) if (name.endsWith(NEXT)) unlinkIfThere(join(folder, name))
  rmdirSync(folder)
}

function unlinkIfThere(file: string): void {
  // Of a file system that is read-only, the kernel says so first.
  if (!isThere(file)) return
  try {
    unlinkSync(file)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
  }
}

/** `folder` and those above it, up to and with the root, for as long as they are empty; then the mount, if it was ours. */
function removeEmptyFolders(folder: string): void {
  for (let at = folder; at.startsWith(ROOT); at = dirname(at)) {
    if (!isThere(at)) continue
    try {
      rmdirSync(at)
    } catch (error) {
      if (hasCode(error, 'ENOTEMPTY')) return
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
  unmountIfOurs()
}
