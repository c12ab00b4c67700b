/** The control planes of the graphs that run on this host, also as graphs come, change and go, until somebody has had enough. */
import { setTimeout } from 'node:timers/promises'
import { Refusal } from '../base/diagnostic.ts'
import { lockFile } from '../kernel/lock.ts'
import { ControlPlanes } from './control-planes.ts'
import { CONTROL_LOCK, ControlReport } from './control-report.ts'
import type { Host } from './host.ts'

/** Milliseconds between two looks at which graphs there are. */
const PATIENCE = 500

/** A Refusal where another process does so already. */
export async function runControlPlanes(host: Host, log: (line: string) => void, signal: AbortSignal): Promise<void> {
  const { engine, machine } = host
  using _lock = lockFile(CONTROL_LOCK)
  using report = new ControlReport()
  // Of graphs that there is no time for.
  using _gates = { [Symbol.dispose]: () => engine.removeGates() }
  using planes = new ControlPlanes({ log })
  const seen = new Map<string, string>()
  while (!signal.aborted) {
    await recovered(engine, log)
    const names = engine.names()
    for (const name of [...seen.keys()].filter((one) => !names.includes(one))) {
      seen.delete(name)
      planes.stop(name)
      log(`${name} is gone`)
    }
    for (const name of names) {
      try {
        const now = JSON.stringify(engine.running(name))
        if (seen.get(name) === now) continue
        seen.set(name, now)
        const control = await engine.control(name)
        planes.update(machine, control)
        const instances = control.planes.map(({ instance }) => instance).join(', ')
        log(instances === '' ? `${name} has no control plane` : `control planes of ${name}: ${instances}`)
      } catch (error) {
        // It is being changed, or its cubes are: what runs goes on, and it is tried again when the graph is another one.
        if (!(error instanceof Refusal)) throw error
        log(error.message)
      }
    }
    report.write(planes.status())
    await setTimeout(PATIENCE, undefined, { signal }).catch(() => {})
  }
}

/** Programs for somebody who looked and was killed go, and changes that nobody finished are: nobody may run a command for long. */
async function recovered(engine: Host['engine'], log: (line: string) => void): Promise<void> {
  // Tried again in a moment.
  const failed = (error: unknown): void => {
    if (!(error instanceof Refusal)) throw error
    log(error.message)
  }
  try {
    await engine.recover((_, error) => failed(error))
  } catch (error) {
    failed(error)
  }
}
