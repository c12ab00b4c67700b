/** What the process that runs control planes tells others about them: a file beside its lock, and gone with it. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ControlState, GraphStatus } from '../engine/look/status.ts'
import { isLocked } from '../kernel/lock.ts'
import { RUN_FOLDER } from '../kernel/places.ts'
import type { ControlStatus } from './control-planes.ts'

export const CONTROL_LOCK = join(RUN_FOLDER, 'control.lock')
const FILE = join(RUN_FOLDER, 'control.json')

/** With {@link CONTROL_LOCK} held. */
export class ControlReport implements Disposable {
  private written = ''

  write(planes: readonly ControlStatus[]): void {
    const text = JSON.stringify(planes)
    if (text === this.written) return
    writeFileSync(`${FILE}.new`, text)
    renameSync(`${FILE}.new`, FILE)
    this.written = text
  }

  [Symbol.dispose](): void {
    rmSync(FILE, { force: true })
  }
}

/** Those that run on this host, at most half a second ago. None where the process that ran them was killed. */
function reported(): readonly ControlStatus[] {
  if (!isLocked(CONTROL_LOCK)) return []
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as readonly ControlStatus[]
  } catch {
    // It has only just begun.
    return []
  }
}

const ABSENT: ControlState = { state: 'absent', restarts: 0 }

/** A graph's status, with how its control planes do. */
export function withControlPlanes(status: GraphStatus): GraphStatus {
  const planes = reported()
  const instances = status.instances.map((instance) => {
    if (instance.hasControl !== true) return instance
    const found = planes.find((one) => one.graph === status.name && one.instance === instance.name)
    if (found === undefined) return { ...instance, control: ABSENT }
    const { graph: _, instance: __, ...control } = found
    return { ...instance, control }
  })
  return { ...status, instances }
}
