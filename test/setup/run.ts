/** Before the first test of a run: a folder for its temporary files, which goes with the run. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { OWN_TMPDIR } from './places.ts'

export default function setup(): () => void {
  mkdirSync(OWN_TMPDIR, { recursive: true })
  // Tests run commands of others, too.
  chmodSync(OWN_TMPDIR, 0o1777)
  return () => rmSync(OWN_TMPDIR, { recursive: true, force: true })
}
