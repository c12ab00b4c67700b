/** Somebody looks at a graph that runs: its programs are others meanwhile, which tell of packets. */
import type { MachineMap } from '../backend/machine.ts'
import { Held } from '../base/held.ts'
import { LOOK_MAP, type Look, lookMaps } from '../compiler/look.ts'
import type { CubeFolder } from '../cube/catalogue.ts'
import { lookPath } from '../engine/graph/paths.ts'
import {
  type LookRequest,
  lookOf,
  type Sighting,
  sightingOf,
  type TraceEvent,
  traceEventReader,
} from '../engine/look/sights.ts'
import { cubesOf } from '../engine/plan/cubes.ts'
import type { Running } from '../engine/plan/records.ts'
import type { Host } from './host.ts'

type Looked = Pick<Host, 'machine' | 'catalogue' | 'engine' | 'enter'>

/** What changes when the graph does. */
interface Sight extends Disposable {
  readonly running: Running
  readonly cubes: ReadonlyMap<string, CubeFolder>
  readonly records: MachineMap
  readonly lost: MachineMap
  /** Of those who trace. */
  readonly events: MachineMap | undefined
  readonly eventOf: (view: DataView, at: number) => TraceEvent
}

export class Looking {
  readonly #host: Looked
  readonly #name: string
  readonly #request: LookRequest
  readonly #held: Disposable
  #sight: Sight
  /** Of the record that was last seen to be of these programs. */
  #stamp: string | undefined
  /** Of the programs before these. */
  #lostBefore = 0n
  #sightingsBefore: readonly Sighting[] = []
  #eventsBefore: readonly TraceEvent[] = []

  /** A Refusal where there is no such graph or port, or where somebody looks at the graph already. */
  static async open(host: Looked, name: string, request: LookRequest): Promise<Looking> {
    const held = host.enter(name)
    try {
      return new Looking(host, name, request, held, await see(host, name, request))
    } catch (error) {
      held[Symbol.dispose]()
      throw error
    }
  }

  private constructor(host: Looked, name: string, request: LookRequest, held: Disposable, sight: Sight) {
    this.#host = host
    this.#name = name
    this.#request = request
    this.#held = held
    this.#sight = sight
  }

  get running(): Running {
    return this.#sight.running
  }

  /** What was seen since this was last asked for. */
  take(): readonly Sighting[] {
    const before = this.#sightingsBefore
    this.#sightingsBefore = []
    return [...before, ...sightingsOf(this.#sight)]
  }

  /** Of those who trace: what happened since this was last asked for. */
  takeEvents(): readonly TraceEvent[] {
    const before = this.#eventsBefore
    this.#eventsBefore = []
    return [...before, ...eventsOf(this.#sight)]
  }

  /** What was seen, and found no room because nobody took it in time. */
  get lost(): bigint {
    return this.#lostBefore + lostOf(this.#sight.lost)
  }

  /** Calls `ready` whenever there is something to take. */
  watch(ready: () => void): Disposable {
    return this.#sight.records.watch(ready)
  }

  /** False where the graph was changed meanwhile, or is gone: it has programs then that tell nothing. */
  isSame(): boolean {
    const { engine } = this.#host
    const stamp = engine.stamp(this.#name)
    if (stamp !== undefined && stamp === this.#stamp) return true
    if (!engine.names().includes(this.#name)) return false
    const isSame = JSON.stringify(engine.running(this.#name).programs) === JSON.stringify(this.running.programs)
    if (isSame) this.#stamp = stamp
    return isSame
  }

  /** Looks at the graph as it is now. A Refusal where it is gone, or has no such ports any more. Watches have to be begun anew. */
  async again(): Promise<void> {
    const before = this.#sight
    this.#sight = await see(this.#host, this.#name, this.#request)
    // What they have told to the end.
    this.#lostBefore += lostOf(before.lost)
    this.#eventsBefore = [...this.#eventsBefore, ...eventsOf(before)]
    this.#sightingsBefore = [...this.#sightingsBefore, ...sightingsOf(before)]
    before[Symbol.dispose]()
  }

  /** The plain programs are back when it is done, if the graph is still there. */
  async close(): Promise<void> {
    try {
      if (this.#host.engine.names().includes(this.#name)) await this.#host.engine.look(this.#name)
    } finally {
      this.#sight[Symbol.dispose]()
      this.#held[Symbol.dispose]()
    }
  }
}

async function see({ engine, machine, catalogue }: Looked, name: string, request: LookRequest): Promise<Sight> {
  let look: Look | undefined
  const { running, sites } = await engine.look(name, ({ graph, numbering }) => {
    look = lookOf(graph, numbering, request)
    return look
  })
  const held = new Held()
  const open = (map: string): MachineMap => {
    const description = look && lookMaps(look)[map]
    const found = description && machine.openMap(lookPath(name, map), description)
    if (found === undefined) throw new Error(`the map ${map} of ${name} is gone`)
    return held.use(found)
  }
  try {
    const [records, lost] = [open(LOOK_MAP.records), open(LOOK_MAP.lost)]
    const events = request.trace === true ? open(LOOK_MAP.events) : undefined
    // Of somebody who looked before, and was killed. Packets come before their events: none is kept without them.
    events?.consume()
    records.consume()
    lost.update(new Uint8Array(4), new Uint8Array(lost.valueSize))
    const cubes = await cubesOf(running, catalogue)
    const eventOf = traceEventReader(running, sites)
    return { running, cubes, records, lost, events, eventOf, [Symbol.dispose]: () => held[Symbol.dispose]() }
  } catch (error) {
    held[Symbol.dispose]()
    throw error
  }
}

const sightingsOf = ({ records, running, cubes }: Sight): readonly Sighting[] =>
  records.consume().map((record) => sightingOf(record, running.graph, running.numbering, cubes))

function eventsOf({ events, eventOf }: Sight): readonly TraceEvent[] {
  const found: TraceEvent[] = []
  events?.drain(Number.POSITIVE_INFINITY, (_, view, at) => void found.push(eventOf(view, at)))
  return found
}

const lostOf = (map: MachineMap): bigint =>
  new BigUint64Array((map.lookup(new Uint8Array(4)) ?? new Uint8Array()).slice().buffer).reduce((a, b) => a + b, 0n)
