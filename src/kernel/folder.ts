import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from './errno.ts'

/** Others may remove those above it meanwhile, while they are empty; where nothing can be made at all, the kernel says ENOENT as well. */
const TRIES = 100

/** Makes a folder and those above it. `recursive` of Node.js says ENOENT where the file system is read-only. */
export function makeFolder(folder: string, mode = 0o777, tries = TRIES): void {
  try {
    mkdirSync(folder, mode)
  } catch (error) {
    const found = hasCode(error, 'EEXIST') ? statSync(folder, { throwIfNoEntry: false }) : undefined
    if (found?.isDirectory() === true) return
    // EEXIST of what is gone by now is as good as ENOENT.
    if (found !== undefined || !hasCode(error, 'ENOENT', 'EEXIST') || dirname(folder) === folder || tries === 0)
      throw error
    makeFolder(dirname(folder), mode)
    makeFolder(folder, mode, tries - 1)
  }
}
