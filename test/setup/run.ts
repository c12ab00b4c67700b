/** Before the first test of a run: a folder for its temporary files, which goes with the run. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { OWN_ENVIRONMENT } from './places.ts'

export default function setup(): () => void {
  const { TMPDIR } = OWN_ENVIRONMENT
  mkdirSync(TMPDIR, { recursive: true })
  // Tests run commands of others, too.
  chmodSync(TMPDIR, 0o1777)
  return () => rmSync(TMPDIR, { recursive: true, force: true })
}
