/** What tests make carries the number of their run, or of a process of it: so it is known whose it is, and what nobody owns any more. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Begins the names of network namespaces, folders and instances of tests; the number of a process follows. */
export const PREFIX = 'tessera-test-'

/** Of this run: where temporary files of all its processes are. */
export const OWN_TMPDIR = join(tmpdir(), `${PREFIX}${process.pid}`)

/**
 * What sources are transformed to, by what is in them, so that the next run need not. Each user has a folder; undefined where nothing
 * can be kept, as in a `node_modules` of somebody else. It goes with `node_modules`, and by `npx vitest --clearCache`.
 */
export function transformed(): string | undefined {
  const folder = join(import.meta.dirname, `../../node_modules/.cache/vitest-${process.getuid?.() ?? ''}`)
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
    return folder
  } catch {
    return undefined
  }
}

/** Whether a test, or a lab, made what has this name, in a process that is gone. */
export function isLeft(name: string): boolean {
  const pid = /^tessera-(?:test|lab)-(\d+)(?:-|$)/.exec(name)?.[1]
  return pid !== undefined && !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}
