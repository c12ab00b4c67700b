import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from './errno.ts'

/** Makes a folder and those above it. `recursive` of Node.js says ENOENT where the file system is read-only. */
export function makeFolder(folder: string, mode = 0o777): void {
  try {
    mkdirSync(folder, mode)
  } catch (error) {
    if (hasCode(error, 'EEXIST') && statSync(folder).isDirectory()) return
    if (!hasCode(error, 'ENOENT') || dirname(folder) === folder) throw error
    makeFolder(dirname(folder), mode)
    makeFolder(folder, mode)
  }
}
