/** Before the first test of a run: a folder for its temporary files, which goes with the run. */
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { OWN_TMPDIR, transformed } from './places.ts'

/** How long what no run has written again is kept, in milliseconds. */
const WEEK = 7 * 24 * 60 * 60 * 1000

export default function setup(): () => void {
  mkdirSync(OWN_TMPDIR, { recursive: true })
  // Tests run commands of others, too.
  chmodSync(OWN_TMPDIR, 0o1777)
  const kept = transformed()
  if (kept !== undefined) removeOld(kept, Date.now() - WEEK)
  return () => rmSync(OWN_TMPDIR, { recursive: true, force: true })
}

/** What is older than that is made again where it is needed. */
function removeOld(folder: string, before: number): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const age = entry.isFile() ? statSync(path, { throwIfNoEntry: false })?.mtimeMs : undefined
    if (age !== undefined && age < before) rmSync(path, { force: true })
  }
}
