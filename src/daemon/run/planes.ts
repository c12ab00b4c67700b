/** The control planes of all graphs on this host, as graphs come, change and go, and as somebody begins or ends to look at them. */
import { Refusal } from '../../base/diagnostic.ts'
import { Turns } from '../../base/turns.ts'
import { type ControlHappened, ControlPlanes, type ControlStatus, type LineLevel } from '../control-planes.ts'
import type { Host } from '../host.ts'

/** The stamp of no record. */
const AGAIN = ''
/** Milliseconds between two looks at the records of graphs that others may change: who looks at them does. */
const PATIENCE = 250

export class FollowingPlanes implements Disposable {
  readonly #host: Pick<Host, 'engine' | 'machine'>
  readonly #log: (line: string, level: LineLevel) => void
  readonly #planes: ControlPlanes
  readonly #turns = new Turns()
  /** Of the records of graphs that have control planes, as they were read. */
  readonly #stamps = new Map<string, string>()
  readonly #watch: NodeJS.Timeout
  #isOver = false

  constructor(
    host: Pick<Host, 'engine' | 'machine'>,
    log: (line: string, level: LineLevel) => void,
    tell: (happened: ControlHappened) => void,
  ) {
    this.#host = host
    this.#log = log
    this.#planes = new ControlPlanes({ log, tell })
    this.#watch = setInterval(() => {
      for (const [name, seen] of this.#stamps) {
        const stamp = host.engine.stamp(name) ?? AGAIN
        if (stamp === seen) continue
        this.#stamps.set(name, stamp)
        this.follow(name)
      }
    }, PATIENCE)
    this.#watch.unref()
  }

  /** After a graph was changed: those that are as they were go on. */
  follow(name: string): void {
    void this.#turns.take(async () => {
      if (this.#isOver) return
      const { engine, machine } = this.#host
      const stamp = engine.stamp(name) ?? AGAIN
      // Somebody else changes it just now: those that run go on until he has.
      const later = (): void => void this.#stamps.set(name, AGAIN)
      const runs = this.#stamps.has(name)
      try {
        if (runs && engine.running(name).state !== 'applied') return later()
        const control = await engine.control(name)
        if (this.#isOver) return
        this.#planes.update(machine, control)
        if (control.planes.length === 0) this.#stamps.delete(name)
        else this.#stamps.set(name, stamp)
      } catch (error) {
        const isThere = engine.names().includes(name)
        if (runs && isThere && engine.stamp(name) !== stamp) return later()
        this.#stamps.delete(name)
        this.#planes.stop(name)
        // It went meanwhile, or its cubes cannot be read: packets need no control plane, and nobody else's fault is it.
        if (this.#isOver || (error instanceof Refusal && !isThere)) return
        this.#log(`the control planes of ${name} do not run: ${error instanceof Error ? error.message : error}`, 'warn')
      }
    })
  }

  status(): readonly ControlStatus[] {
    return this.#planes.status()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearInterval(this.#watch)
    this.#planes[Symbol.dispose]()
    // Of graphs that it had no time for.
    this.#host.engine.removeGates()
  }
}
