/** A data plane being written: what is in scope, and how much may still be written. Every decision is a call of `choose`. */
import type { StructType } from '../../../src/lang/index.ts'
import type { sample } from '../cube.ts'
import type { Type } from '../types.ts'

/** A number from 0 to `below - 1`. 0 is the simplest choice. */
export type Choose = (below: number) => number

export type TableName = keyof typeof sample.state

export interface Name {
  readonly name: string
  readonly type: Type
  readonly mutable: boolean
}

/** What a reference is of: a header by its name, maybe a part of a message, or the entry of a table, or a copy of a value of one. */
export type Origin =
  | { readonly of: 'packet'; readonly header: string; readonly isPart?: boolean }
  | { readonly of: 'entry' | 'copy'; readonly table: TableName }

export interface Reference {
  readonly name: string
  readonly struct: StructType
  readonly origin: Origin
  /** Until its table changes: then it may be what another key has now. */
  alive: boolean
  /** How often the packet had moved before it was read. */
  readonly moves: number
  /** It is read once at most: not in a loop, nor in a function that may be called in one; and it is not one of several. */
  readonly once: boolean
}

/** A value, or a reference that is not null. */
export type Parameter = Type | { readonly struct: StructType; readonly origin: Origin }

/** What a function returns: a value, several of them under names, or what becomes of the packet. */
export type Returns = Type | 'verdict' | RecordType

export type RecordType = readonly { readonly field: string; readonly type: Type }[]

export const isRecord = (returns: Returns): returns is RecordType => typeof returns !== 'string'

export interface Helper {
  readonly name: string
  /** It is the language's. Those that are written here take `packet` and `context` first. */
  readonly imported: boolean
  readonly parameters: readonly Parameter[]
  readonly returns: Returns
  readonly cost: number
  /** It may move the packet, and is called in statements of its own. */
  readonly moves: boolean
}

/** A function that runs under the lock of an entry of that table, which comes first. */
export interface Update {
  readonly name: string
  readonly table: 'vault' | 'gates'
  readonly parameters: readonly Type[]
  readonly returns: Type
}

export class Draft {
  readonly choose: Choose
  /** Of loops that are in no other, one of so many may have many rounds. */
  readonly oneLongOf: number
  readonly config: Record<string, number | bigint | boolean> = {}
  readonly helpers: Helper[] = []
  readonly updates: Update[] = []
  /** Lines at the top of the module. */
  readonly constants: string[] = []
  /** Everything imported from the language. */
  readonly imports = new Set<string>()
  names: Name[] = []
  references: Reference[] = []
  /** Hidden ones as well. */
  private readonly referred: Reference[] = []
  /** Statements that may still be written. */
  budget = 0
  /** What is compiled in counts, too. */
  cost = 0
  returns: Returns = 'verdict'
  inHelper = false
  /** Under a lock: nothing but what was passed can be used. */
  locked = false
  /** This data plane changes the size or the shape of packets. */
  moving = false
  /** How often the packet may have moved so far. */
  moves = 0
  /** Loops around this whose headers are from before: nothing may move the packet, nor settle checksums. */
  pinned = 0
  readonly breaks: ('loop' | 'switch')[] = []
  /** Of the loops around this. */
  readonly labels: string[] = []
  /** In a loop of many rounds, which has no others in it. */
  inLong = false
  private counter = 0

  constructor(choose: Choose, oneLongOf: number) {
    this.choose = choose
    this.oneLongOf = oneLongOf
  }

  pick<T>(from: readonly T[]): T {
    return from[this.choose(from.length)] as T
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.choose(times) === times - 1
  }

  /** One of some ways to write something, each as likely as its weight says; the first one is the simplest. */
  oneOf<T>(...ways: readonly (readonly [weight: number, way: () => T])[]): T {
    let at = this.choose(ways.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, way] of ways) {
      if (at < weight) return way()
      at -= weight
    }
    throw new Error('nothing to choose from')
  }

  fresh(prefix: string): string {
    return `${prefix}${this.counter++}`
  }

  /** Makes a name of the language known to the module. */
  word(name: string): string {
    this.imports.add(name)
    return name
  }

  /** A reference that was tested. */
  refer(name: string, struct: StructType, origin: Origin, isChosen = false): void {
    const once = !isChosen && !this.inHelper && !this.breaks.includes('loop')
    const reference = { name, struct, origin, alive: true, moves: this.moves, once }
    this.references.push(reference)
    this.referred.push(reference)
  }

  /** References that may be used here. */
  alive(): Reference[] {
    return this.references.filter(
      ({ alive, origin, moves }) => alive && (origin.of !== 'packet' || moves === this.moves),
    )
  }

  declare(name: string, type: Type, mutable = false): void {
    this.names.push({ name, type, mutable })
  }

  /** Names declared in `work` are forgotten after it. */
  opened<T>(work: () => T): T {
    const [names, references] = [this.names, this.references]
    this.names = [...names]
    this.references = [...references]
    const result = work()
    this.names = names
    this.references = references
    return result
  }

  /** No reference to an entry of this table may be used any more, nor behind a loop that hides it. */
  changed(table: TableName): void {
    for (const one of this.referred) if (one.origin.of === 'entry' && one.origin.table === table) one.alive = false
  }
}

export const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)

/** The type as a parameter, a variable or a result has it. */
export const annotation = (draft: Draft, type: Type): string => (type === 'bool' ? 'boolean' : draft.word(type))
