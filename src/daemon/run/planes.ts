/** The control planes of all graphs on this host, as graphs come, change and go. */
import { Refusal } from '../../base/diagnostic.ts'
import { Turns } from '../../base/turns.ts'
import { type ControlHappened, ControlPlanes, type ControlStatus, type LineLevel } from '../control-planes.ts'
import type { Host } from '../host.ts'

export class FollowingPlanes implements Disposable {
  readonly #host: Pick<Host, 'engine' | 'machine'>
  readonly #log: (line: string, level: LineLevel) => void
  readonly #planes: ControlPlanes
  readonly #turns = new Turns()
  #isOver = false

  constructor(
    host: Pick<Host, 'engine' | 'machine'>,
    log: (line: string, level: LineLevel) => void,
    tell: (happened: ControlHappened) => void,
  ) {
    this.#host = host
    this.#log = log
    this.#planes = new ControlPlanes({ log, tell })
  }

  /** After a graph was changed: those that are as they were go on. */
  follow(name: string): void {
    void this.#turns.take(async () => {
      if (this.#isOver) return
      try {
        const control = await this.#host.engine.control(name)
        if (!this.#isOver) this.#planes.update(this.#host.machine, control)
      } catch (error) {
        this.#planes.stop(name)
        // It went meanwhile, or its cubes cannot be read: packets need no control plane, and nobody else's fault is it.
        if (this.#isOver || (error instanceof Refusal && !this.#host.engine.names().includes(name))) return
        this.#log(`the control planes of ${name} do not run: ${error instanceof Error ? error.message : error}`, 'warn')
      }
    })
  }

  status(): readonly ControlStatus[] {
    return this.#planes.status()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#planes[Symbol.dispose]()
    // Of graphs that it had no time for.
    this.#host.engine.removeGates()
  }
}
