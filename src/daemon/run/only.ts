/** That there is one daemon. */
import { join } from 'node:path'
import { Held } from '../../base/held.ts'
import { lockFile, Occupied } from '../../kernel/lock.ts'
import { RUN_FOLDER } from '../../kernel/places.ts'

/** Held by the one that there is. Who runs control planes holds the second of them alone. */
const LOCKS = [
  ['daemon.lock', 'a daemon runs already'],
  ['control.lock', 'another command runs the control planes of graphs'],
] as const

const ANOTHER = 'one beside it, in another network namespace: TESSERA_INSTANCE=NAME tessera daemon'

/** A Refusal where there is one already, or somebody runs control planes. */
export function lockDaemon(folder = RUN_FOLDER): Disposable {
  const held = new Held()
  try {
    for (const [name, what] of LOCKS) held.use(lock(join(folder, name), what))
    return held
  } catch (error) {
    held[Symbol.dispose]()
    throw error
  }
}

function lock(path: string, what: string): Disposable {
  try {
    return lockFile(path)
  } catch (error) {
    if (!(error instanceof Occupied)) throw error
    const { owner } = error
    const who = owner === undefined ? '' : ` (process ${owner})`
    const end = owner === undefined ? 'end it first' : `kill ${owner} ends it, and leaves graphs as they run`
    throw new Occupied([{ message: `${what}${who}`, remedy: `${end}\n${ANOTHER}` }], owner)
  }
}
