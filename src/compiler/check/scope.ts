import type { Diagnostic } from '../../base/diagnostic.ts'
import type { Hook } from '../../isa/program.ts'
import type { Cube } from '../cube.ts'
import type { Module, Modules } from '../modules.ts'
import type { Breakable, Span } from '../narrow/tree.ts'
import { Decisive } from '../shared.ts'
import type { NamedTable, Position, Typed, ValueType, Variable } from '../typed.ts'
import type { Functions } from './function.ts'
import type { Range, Ranges } from './ranges.ts'
import { type Unfit, unfit } from './report.ts'

/** What a name or an expression can be besides a value: things that exist only while compiling. */
export type Static = { readonly at: Position } & (
  | { readonly static: 'packet' | 'context' | 'state' | 'null' }
  /** A live JavaScript value: configuration, a header, a module's constant. */
  | { readonly static: 'host'; readonly value: unknown; readonly name: string }
  /** Values under names, for a key or a value: nothing of them is in one place at run time. */
  | { readonly static: 'record'; readonly fields: ReadonlyMap<string, Checked> }
  | { readonly static: 'table'; readonly table: NamedTable }
  | { readonly static: 'builtin'; readonly name: Builtin }
  | { readonly static: 'method'; readonly of: 'packet' | NamedTable | Typed; readonly name: string }
  | { readonly static: 'function'; readonly module: Module; readonly name: string }
)

export type Builtin = 'now' | 'drop' | 'punt' | 'forward' | 'flood' | 'pass' | 'next'

/** What a cube's data plane can call. */
export const builtinsOf = ({ shape }: Cube): readonly Builtin[] =>
  shape === 'transparent'
    ? ['now', 'drop', 'punt', 'pass', 'next']
    : ['now', 'drop', 'punt', 'forward', 'flood', 'pass']

/** How its verdicts are written. */
export const verdictForm = ({ shape }: Cube): string =>
  shape === 'transparent' ? 'return drop(…), next() or pass()' : 'return drop(…), forward(…), flood() or pass()'

/** Of what cubes of the other shape are given, what to do instead. */
export function ofOtherShape({ shape }: Cube, word: string): string | undefined {
  if (shape === 'transparent')
    return ['port', 'forward', 'flood'].includes(word)
      ? 'a transparent cube has no ports: return next(), and look at direction; one with ports says so in its schema'
      : undefined
  return ['direction', 'next'].includes(word)
    ? "that is of transparent cubes, shape: 'transparent' in the schema; others return forward(…) or flood()"
    : undefined
}

export type Checked = Typed | Static
export const isStatic = (checked: Checked): checked is Static => 'static' in checked

export type Binding =
  | {
      readonly kind: 'variable'
      readonly variable: Variable
      readonly mutable: boolean
      /** The variable of a loop. */
      readonly counts?: boolean
    }
  /** Its declaration comes later in the same block. */
  | { readonly kind: 'later' }
  | { readonly kind: 'static'; readonly value: Static }
  /** Stands for an expression that does nothing and never changes: a constant, a list. */
  | { readonly kind: 'alias'; readonly typed: Typed }
  /** Its declaration was refused: whatever uses it is not refused again. */
  | { readonly kind: 'broken' }

/** What has made references stale on the ways here. */
export interface Moved {
  /** What may have moved the packet. References into it with smaller numbers were read before. */
  readonly packet: { readonly what: string; readonly before: number } | undefined
  /** Those to entries, with what changed their tables since they were got. */
  readonly entries: ReadonlyMap<Variable, string>
  /** Tables that were changed, with what changed them. */
  readonly tables: ReadonlyMap<string, string>
  /** Headers that were assigned to and whose checksums are not settled yet, by the name that a message gives them. */
  readonly written: ReadonlyMap<Variable, string>
  /** Headers that say by now that something else follows them, with the number of the first variable made since. */
  readonly redirected: ReadonlyMap<Variable, number>
}

/** Where two ways meet: what is stale on either is stale. Only what was declared before they parted is known to both. */
export function eitherMoved(a: Moved | undefined, b: Moved | undefined): Moved | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b
  const isLater = a.packet === undefined || (b.packet !== undefined && b.packet.before > a.packet.before)
  return {
    packet: isLater ? b.packet : a.packet,
    entries: new Map([...b.entries, ...a.entries]),
    tables: new Map([...b.tables, ...a.tables]),
    written: new Map([...b.written, ...a.written]),
    redirected: new Map([...[...a.redirected, ...b.redirected].sort(([, x], [, y]) => x - y)]),
  }
}

/** That a reference is null, as a fact beside that another one is not. */
export interface Absent {
  readonly absent: Variable
}

const absences = new WeakMap<Variable, Absent>()

export function absent(variable: Variable): Absent {
  const known = absences.get(variable) ?? { absent: variable }
  absences.set(variable, known)
  return known
}

/** What tests have shown: a reference that is not null, or one that is. */
export type Fact = Variable | Absent

/** What `break` and `continue` leave. */
export class Around {
  readonly kind: 'loop' | Breakable['of']
  readonly label: string | undefined
  left = false
  movedAtBreak: Moved | undefined
  movedAtContinue: Moved | undefined

  constructor(kind: Around['kind'], label: string | undefined) {
    this.kind = kind
    this.label = label
  }
}

/** What the whole compilation shares. */
export interface Compilation {
  readonly modules: Modules
  readonly cube: Cube
  readonly hook: Hook
  readonly config: Readonly<Record<string, unknown>>
  readonly port: Readonly<Record<string, unknown>>
  /** Of packets through a transparent cube. */
  readonly direction: 'ingress' | 'egress'
  readonly diagnostics: Diagnostic[]
  readonly functions: Functions
  nextVariable: number
  /** Rounds of loops written out so far. */
  unrolled?: number
  /** Statements checked so far, each as often as it is compiled in. */
  statements?: number
  /** What is known of variables that never change. */
  fixed?: Map<Variable, Range>
}

/** Thrown where something refused before is used again: there is nothing new to say. */
export class Silent extends Error {}

function referencesOf(binding: Binding): Variable[] {
  if (binding.kind === 'variable') return binding.variable.type.kind === 'reference' ? [binding.variable] : []
  if (binding.kind === 'alias') return rootOf(binding.typed)
  if (binding.kind !== 'static' || binding.value.static !== 'record') return []
  return [...binding.value.fields.values()].flatMap((one) => (isStatic(one) ? [] : rootOf(one)))
}

/** The variable that holds what a reference is found by. */
export function rootOf(typed: Typed): Variable[] {
  if (typed.op === 'field' || typed.op === 'element') return rootOf(typed.base)
  return typed.op === 'variable' && typed.type.kind === 'reference' ? [typed.variable] : []
}

/** One function being checked: its names, and what is known about them at the present point. */
export class Scope {
  readonly compilation: Compilation
  readonly module: Module
  readonly functionName: string
  /** The functions being inlined, outermost first. */
  readonly callers: readonly string[]
  /** Nullable references that have been tested here, and what came of it. */
  nonNull: ReadonlySet<Fact> = new Set()
  /** What is known of integers here. */
  ranges: Ranges = new Map()
  /** What references are stale here, by what happened in this function. */
  moved: Moved | undefined
  /** The same where it returns. */
  movedAtReturn: Moved | undefined
  /** Where references are used. */
  readonly uses: { readonly variable: Variable; readonly span: Span }[] = []
  /** What is being checked around the present statement, innermost last: what `break` and `continue` leave. */
  readonly around: Around[] = []
  returns: ValueType | undefined
  /** Somewhere, null is returned. */
  returnsNull = false
  /** Where a record is, the types that are declared for its fields. */
  returnedFields: ReadonlyMap<string, ValueType> | undefined
  /** `returns` was not declared: the first return decides. */
  infersReturns = false
  /** Something was refused that may have tested for null, or returned. */
  lenient = false
  /** A condition that is known decides against the present statement. */
  unreached = false
  /** How often the present statement runs, by the loops around it. */
  rounds = 1
  private readonly bindings: Map<string, Binding>[] = [new Map()]

  constructor(compilation: Compilation, module: Module, functionName: string, callers: readonly string[]) {
    this.compilation = compilation
    this.module = module
    this.functionName = functionName
    this.callers = callers
  }

  at(span: Span): Position {
    return { source: this.module, span }
  }

  unfit(span: Span, message: string, remedy?: string): Unfit {
    return unfit(this.module, span, message, remedy)
  }

  lookup(name: string): Binding | undefined {
    return this.bindings.findLast((block) => block.has(name))?.get(name)
  }

  bind(name: string, binding: Binding): void {
    this.bindings.at(-1)?.set(name, binding)
  }

  /** A name that this block will declare: what has it outside cannot be meant. */
  announce(name: string): void {
    if (!this.bindings.at(-1)?.has(name)) this.bind(name, { kind: 'later' })
  }

  /** Whether this very block has declared it. */
  isDeclared(name: string): boolean {
    const known = this.bindings.at(-1)?.get(name)
    return known !== undefined && known.kind !== 'later'
  }

  names(): string[] {
    return this.bindings.flatMap((block) => [...block.keys()]).filter((name) => !name.includes('@'))
  }

  /** The references that some name stands for here. */
  references(): Variable[] {
    return this.bindings.flatMap((block) => [...block.values()]).flatMap(referencesOf)
  }

  variable(name: string, type: ValueType, origin: Pick<Variable, 'message' | 'key'> = {}): Variable {
    if (type.kind === 'constant') throw new Decisive(`the type of ${name}`)
    return { id: this.compilation.nextVariable++, name, type, ...origin }
  }

  /** Runs `work` with names of its own, as a block does. */
  block<T>(work: () => T): T {
    this.bindings.push(new Map())
    try {
      return work()
    } finally {
      this.bindings.pop()
    }
  }
}
