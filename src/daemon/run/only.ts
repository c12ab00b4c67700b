/** That there is one daemon. */
import { join } from 'node:path'
import { Held } from '../../base/held.ts'
import { lockFile } from '../../kernel/lock.ts'
import { RUN_FOLDER } from '../../kernel/places.ts'

/** Held by the one that there is. Who runs control planes holds the second of them alone. */
const LOCKS = ['daemon.lock', 'control.lock']

/** A Refusal where there is one already, or somebody runs control planes. */
export function lockDaemon(): Disposable {
  const held = new Held()
  try {
    for (const name of LOCKS) held.use(lockFile(join(RUN_FOLDER, name)))
    return held
  } catch (error) {
    held[Symbol.dispose]()
    throw error
  }
}
