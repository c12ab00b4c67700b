/** One instance's control plane at work: in a thread of its own, or in a test's hands. */
import type { Machine, MachineMap } from '../../backend/machine.ts'
import { Held } from '../../base/held.ts'
import { MAP } from '../../compiler/wiring.ts'
import type { ControlKit, ControlPlane } from '../../cube/control.ts'
import type { Cube } from '../../cube/define.ts'
import { type PuntedPacket, type Punts, puntsMap } from '../../lang/index.ts'
import { mapPath } from '../graph/paths.ts'
import type { Settings } from '../graph/settings.ts'
import { type Entries, sized } from '../graph/sized.ts'
import { type PuntDecoder, puntDecoder } from './punts.ts'
import { openTables } from './tables.ts'

/** A packet on its way into the data plane. */
export interface Injected {
  readonly port: number
  /** `ingress`: as if it had arrived at the port; `egress`: to be sent out there. */
  readonly direction: 'ingress' | 'egress'
  readonly packet: Uint8Array
}

/** Whatever time is. */
export interface Timers {
  after(nanoseconds: bigint, work: () => void): Disposable
}

export interface ControlParts {
  readonly machine: Pick<Machine, 'openMap' | 'now'>
  readonly graph: string
  readonly instance: string
  readonly plane: ControlPlane
  readonly config: Settings
  /** Numbers of the ports, by name. */
  readonly ports: Readonly<Record<string, number>>
  /** Bytes of its ring, where its graph says so. */
  readonly queue: number | undefined
  /** Of its tables, where its graph says so. */
  readonly entries: Entries | undefined
  readonly timers: Timers
  readonly inject: (packets: readonly Injected[]) => void
  readonly log: (line: string) => void
  /** Something that was promised went wrong. */
  readonly failed: (error: unknown) => void
}

/** Packets that are decoded before the first of them is handled: enough to make little of the turns, and soon forgotten. */
const BATCH = 256

/** Milliseconds of work, after which others have their turn: timers, and whoever asks whether it is alive. */
const TURN = 20

/** What throws in the control plane goes on to the caller, or, where it was promised, to {@link ControlParts.failed}. */
export class OpenControlPlane implements Disposable {
  private readonly parts: ControlParts
  private readonly held = new Held()
  /** Timers. */
  private readonly running = new Set<Disposable>()
  private readonly kit: ControlKit<Cube>
  private readonly punts: MachineMap | undefined
  private readonly decode: PuntDecoder<Punts>
  private injected: Injected[] = []
  private batch: PuntedPacket[] = []
  /** Its next turn, where more waits. */
  private next: NodeJS.Immediate | undefined

  constructor(parts: ControlParts) {
    this.parts = parts
    const { machine, graph, instance, plane, queue } = parts
    this.decode = puntDecoder(plane.cube.punts ?? {})
    const path = mapPath(graph, instance, MAP.punts)
    const punts = plane.onPunt === undefined ? undefined : machine.openMap(path, puntsMap(queue))
    this.punts = punts && this.held.use(punts)
    this.kit = this.kitOf(parts)
  }

  start(): void {
    const { plane } = this.parts
    this.settled(plane.start?.(this.kit))
    this.flush()
  }

  /** Handles what waits, at most a batch of it, and few or none but one after that time (`performance.now()`). Says how many. */
  deliver(until = Number.POSITIVE_INFINITY): number {
    const { punts, parts, kit, decode, batch } = this
    const { onPunt } = parts.plane
    if (punts === undefined || onPunt === undefined) return 0
    if (batch.length === 0) punts.drain(BATCH, (bytes, view, at) => void batch.push(decode(bytes, view, at)))
    // One that throws takes the others with it.
    this.batch = []
    let count = 0
    for (const packet of batch) {
      // The clock is not asked for each: one that is slow is so from the first on.
      if ((count === 1 || (count & 7) === 7) && performance.now() >= until) break
      count++
      this.settled(onPunt(packet, kit))
    }
    this.batch = batch.slice(count)
    this.flush()
    return count
  }

  /**
   * Handles whatever waits, whenever something does, and in turns with others: a slow one sends what it has, and does not hang.
   * `over`: whenever a turn is.
   */
  run(over = (): void => {}): void {
    const { punts } = this
    if (punts === undefined) return
    const turn = (): void => {
      const until = performance.now() + TURN
      let count: number
      do count = this.deliver(until)
      while (count > 0 && performance.now() < until)
      this.next = count > 0 ? setImmediate(turn) : undefined
      over()
    }
    this.held.use(
      punts.watch(() => {
        if (this.next === undefined) turn()
      }),
    )
  }

  [Symbol.dispose](): void {
    clearImmediate(this.next)
    for (const timer of this.running) timer[Symbol.dispose]()
    this.held[Symbol.dispose]()
  }

  private settled(given: void | Promise<void>): void {
    if (given !== undefined) given.then(() => this.flush(), this.parts.failed)
  }

  private flush(): void {
    if (this.injected.length === 0) return
    const { injected } = this
    this.injected = []
    this.parts.inject(injected)
  }

  private timer(nanoseconds: bigint, work: () => void, isRepeated: boolean): Disposable {
    let next: Disposable
    const timer = {
      [Symbol.dispose]: () => {
        next[Symbol.dispose]()
        this.running.delete(timer)
      },
    }
    const begin = (): Disposable =>
      this.parts.timers.after(nanoseconds, () => {
        if (isRepeated) next = begin()
        else this.running.delete(timer)
        work()
        this.flush()
      })
    next = begin()
    this.running.add(timer)
    return timer
  }

  private kitOf({ machine, graph, instance, plane, config, ports, entries, log }: ControlParts): ControlKit<Cube> {
    const names = new Map(Object.entries(ports).map(([name, id]) => [id, name]))
    const put = (port: number, direction: Injected['direction'], packet: Uint8Array): void => {
      if (plane.cube.shape === 'transparent')
        throw new RangeError(
          `${instance} is transparent, and has no ports to send by: its data plane says next(), and emits to a ring what its control plane is to know`,
        )
      if (!names.has(port)) throw new RangeError(`${instance} has no port ${port}`)
      this.injected.push({ port, direction, packet })
    }
    return {
      state: openTables(machine, graph, instance, sized(plane.cube, entries), this.held),
      config,
      ports,
      portName: (id) => names.get(id),
      now: () => machine.now(),
      inject: (port, packet) => put(port, 'ingress', packet),
      send: (port, packet) => put(port, 'egress', packet),
      after: (nanoseconds, work) => this.timer(nanoseconds, work, false),
      every: (nanoseconds, work) => this.timer(nanoseconds, work, true),
      log,
    }
  }
}
