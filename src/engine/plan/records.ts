/** What is known of a graph that runs: beside the pinned objects, all that a later process needs. */

import { Refusal, refusal } from '../../base/diagnostic.ts'
import { own } from '../../base/own.ts'
import type { Comparisons } from '../../compiler/assembly.ts'
import type { Look } from '../../compiler/look.ts'
import type { Generation } from '../../compiler/marked.ts'
import type { AttachPoint, MapDescription } from '../../isa/program.ts'
import type { Graph } from '../graph/graph.ts'
import type { Numbering } from '../graph/numbering.ts'
import type { Ends } from '../stitch/assemblies.ts'
import type { Structure } from '../stitch/structure.ts'
import type { CountedPorts, Slots } from './counted.ts'
import type { Made } from './made.ts'
import type { Step } from './plan.ts'

/**
 * Of records and of what is pinned beside them. It grows with every change of either, for nobody can finish or undo what another
 * version began.
 */
export const VERSION = 6

export interface Running {
  readonly version: number
  /**
   * `applying`: a change is being prepared, of which packets see nothing. `switching`: they do, and it has to be finished.
   * `deleting`: it was begun, and not heard of since.
   */
  readonly state: 'applying' | 'switching' | 'applied' | 'deleting'
  /** The file it came from, for messages and for cubes that are named by folder. */
  readonly file: string
  /** Whose interfaces it is on ({@link Machine.namespace}). */
  readonly namespace: string
  readonly graph: Graph
  readonly numbering: Numbering
  /** Where its programs are on their interfaces. */
  readonly point: AttachPoint
  /** Fingerprints of the programs, by the path of their attachment. */
  readonly programs: Readonly<Record<string, string>>
  readonly maps: RecordedMaps
  /** Somebody looks at it: its programs are others than they will be when he has gone. */
  readonly look?: Look
  /** Of a graph whose programs go over to others. */
  readonly structure?: Structure
  /** Which marks its copies have; those of the first without it. */
  readonly generation?: Generation
  /** Its verifier would come to no end with the programs that are quicker. */
  readonly comparisons?: Comparisons
  /** What the counters of instances are about, by the paths of their maps. */
  readonly slots?: Readonly<Record<string, Slots>>
  /** What counters at these paths have counted that are no more. */
  readonly counted?: Readonly<Record<string, CountedPorts>>
  /** Where it had ports: packets of then may be on their way. */
  readonly past?: Ends
  /** What it was made of. */
  readonly made?: Made
  /** The versions of its cubes that may change, by their names. */
  readonly cubes?: Readonly<Record<string, string>>
  /** Of `applying` and `switching`. */
  readonly change?: Journal
}

/** How maps were described when they were made, by path: what the kernel tells of them is their sizes. */
export interface RecordedMaps {
  readonly layouts: readonly MapDescription[]
  /** Which of them. */
  readonly at: Readonly<Record<string, number>>
}

/** What is to be done about a change that nobody has finished. */
export interface Journal {
  /** What ran before; undefined where nothing did. */
  readonly before: Running | undefined
  /** Pins to forget, while the change is still being prepared. */
  readonly undo: readonly string[]
  /** What to do afterwards, from the first one on. Each can be done again. */
  readonly steps: readonly Step[]
}

export function recordMaps(maps: Readonly<Record<string, MapDescription>>): RecordedMaps {
  const numbers = new Map<string, number>()
  const known = new Map<MapDescription, number>()
  const layouts: MapDescription[] = []
  const numberOf = (description: MapDescription): number => {
    const text = JSON.stringify(description)
    const number = numbers.get(text) ?? layouts.push(description) - 1
    numbers.set(text, number)
    return number
  }
  const at = Object.entries(maps).map(([path, description]) => {
    const number = known.get(description) ?? numberOf(description)
    known.set(description, number)
    return [path, number] as const
  })
  return { layouts, at: Object.fromEntries(at) }
}

/** The description of the map at a path, as it was recorded. */
export function recordedMap(running: Running | undefined, path: string): MapDescription | undefined {
  const number = running === undefined ? undefined : own(running.maps.at, path)
  return number === undefined ? undefined : running?.maps.layouts[number]
}

/** Where {@link Running} is kept. */
export interface Records {
  names(): readonly string[]
  read(name: string): Running | undefined
  /** Another one whenever the record was written since, which takes less than to read it; undefined where there is none. */
  stamp(name: string): string | undefined
  write(running: Running): void
  remove(name: string): void
  /** Whether nothing is there of a writer who writes just now, or was killed. */
  isTidy(): boolean
  /** Removes that, while nobody writes. */
  tidy(): void
}

/** Undefined also where a record cannot be read: whoever asks about that graph hears why. */
export function readable(records: Records, name: string): Running | undefined {
  try {
    return records.read(name)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return undefined
  }
}

/** Records that live as long as the process. */
export class MemoryRecords implements Records {
  private readonly running = new Map<string, Running>()
  private written = 0

  names(): readonly string[] {
    return [...this.running.keys()].sort()
  }

  read(name: string): Running | undefined {
    return this.running.get(name)
  }

  stamp(name: string): string | undefined {
    return this.running.has(name) ? String(this.written) : undefined
  }

  isTidy(): boolean {
    return true
  }

  tidy(): void {}

  write(running: Running): void {
    this.running.set(running.graph.name, running)
    this.written++
  }

  remove(name: string): void {
    this.running.delete(name)
  }
}

/** A Refusal where graphs were applied by another version: of all, for they share this host; or of one. */
export function mustBeOfThisVersion(records: Records, only?: string): void {
  for (const name of only === undefined ? records.names() : [only]) {
    const found = only === undefined ? readable(records, name) : records.read(name)
    if (found !== undefined && found.version !== VERSION)
      throw refusal(
        `the graph ${name} was applied by another version of Tessera, which kept its things in another way`,
        `run tessera delete ${name}, and apply its file again (${found.file})`,
      )
  }
}
