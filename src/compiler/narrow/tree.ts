/**
 * The small tree: all of TypeScript that a data plane may use. Later stages cannot meet anything else.
 * `span` is in characters of the module's text.
 */
export interface Span {
  readonly start: number
  readonly end: number
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>' | '>>>'
export type CompareOperator = '===' | '!==' | '<' | '<=' | '>' | '>='

export type Expression = { readonly span: Span } & (
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly object: Expression; readonly property: string; readonly propertySpan: Span }
  | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression }
  | { readonly kind: 'call'; readonly callee: Expression; readonly arguments: readonly Expression[] }
  /** `[a, b]` */
  | { readonly kind: 'elements'; readonly elements: readonly Expression[] }
  | { readonly kind: 'record'; readonly fields: readonly RecordField[] }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'negate' | 'complement'; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'compare'
      readonly operator: CompareOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  /** `left ** right` */
  | { readonly kind: 'power'; readonly left: Expression; readonly right: Expression }
  /** `subject?.field`, as `value` of what has that name where it is there. */
  | ({ readonly kind: 'optional' } & Optional)
  /** `subject ?? otherwise`, or `subject?.field ?? otherwise`. */
  | ({ readonly kind: 'otherwise'; readonly otherwise: Expression } & Optional)
  | {
      readonly kind: 'conditional'
      readonly test: Expression
      readonly whenTrue: Expression
      readonly whenFalse: Expression
    }
)

/** What may be null, under a name of its own, and what is computed with it if it is not. */
export interface Optional {
  readonly subject: Expression
  readonly name: string
  readonly value: Expression
}

/** The expressions of one kind. */
export type Of<K extends Expression['kind']> = Extract<Expression, { kind: K }>

export interface RecordField {
  readonly name: string
  readonly value: Expression
  /** `...value`: all fields of it, and its name is no name. */
  readonly spread?: true
  readonly span: Span
}

export type Statement = { readonly span: Span } & (
  | {
      readonly kind: 'declare'
      readonly name: string
      readonly mutable: boolean
      readonly annotation?: Annotation | undefined
      readonly value: Expression
    }
  /** `const { property: name } = value` */
  | { readonly kind: 'take'; readonly pattern: Exclude<Pattern, string>; readonly value: Expression }
  | {
      readonly kind: 'assign'
      readonly target: Expression
      readonly operator?: BinaryOperator | undefined
      readonly value: Expression
    }
  | {
      readonly kind: 'if'
      readonly test: Expression
      readonly whenTrue: readonly Statement[]
      readonly whenFalse: readonly Statement[]
    }
  | Loop
  | While
  | Do
  | Each
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | Breakable
  | { readonly kind: 'return'; readonly value?: Expression | undefined }
  | Leave
  | { readonly kind: 'evaluate'; readonly value: Expression }
  /** Refused already; `names` is what it would have declared. */
  | { readonly kind: 'refused'; readonly names: readonly string[] }
)

/** `break` and `continue`, of the innermost loop or switch, or of what has the label. */
export interface Leave {
  readonly kind: 'break' | 'continue'
  readonly span: Span
  readonly label?: string | undefined
}

/** What `break` leaves besides a loop; of `do … while`, the turn that `continue` leaves for its test. */
export interface Breakable {
  readonly kind: 'breakable'
  readonly of: 'switch' | 'block' | 'turn'
  readonly span: Span
  readonly label?: string | undefined
  readonly body: readonly Statement[]
}

/** `for (let variable = from; variable operator bound; variable += step)` */
export interface Loop {
  readonly kind: 'loop'
  readonly span: Span
  readonly variable: string
  readonly annotation?: Annotation | undefined
  readonly from: Expression
  readonly operator: '<' | '<=' | '>' | '>='
  readonly bound: Expression
  /** Negative when it counts down. */
  readonly step: Expression
  readonly label?: string | undefined
  readonly body: readonly Statement[]
}

/** `while (test)`, or a `for` whose end is more than one comparison: then with its variable, which `update` steps. */
export interface While {
  readonly kind: 'while'
  readonly span: Span
  readonly counter?: { readonly name: string; readonly annotation?: Annotation | undefined; readonly from: Expression }
  readonly test: Expression
  readonly update: readonly Statement[]
  readonly label?: string | undefined
  readonly body: readonly Statement[]
}

/** `do body while (test)`. `update`: what the test changes before it compares, `--i`. */
export interface Do {
  readonly kind: 'do'
  readonly span: Span
  readonly test: Expression
  readonly update: readonly Statement[]
  readonly label?: string | undefined
  readonly body: readonly Statement[]
}

/** `for (const name of subject)` */
export interface Each {
  readonly kind: 'each'
  readonly span: Span
  readonly pattern: Pattern
  readonly subject: Expression
  readonly label?: string | undefined
  readonly body: readonly Statement[]
}

/** A plain name, or what is taken out of something: `{ drop, state: { flows } }`, `[first, second]`. */
export type Pattern = string | readonly Part[]

export interface Part {
  /** A field, or an element. */
  readonly of: string | number
  readonly to: Pattern
  /** What stands for what a configuration leaves out. */
  readonly otherwise?: Expression | undefined
  readonly span: Span
}

/** A type's name as it is written; `…` where the type is not a plain name. */
export interface Annotation {
  readonly name: string
  readonly span: Span
  /** Of `{ field: type }`. */
  readonly fields?: ReadonlyMap<string, Annotation>
}

export interface Parameter {
  readonly span: Span
  readonly annotation?: Annotation | undefined
  readonly pattern: Pattern
  /** What it is where a call leaves it out. */
  readonly otherwise?: Expression | undefined
}

export interface FunctionTree {
  readonly name: string
  readonly span: Span
  readonly parameters: readonly Parameter[]
  readonly returns?: Annotation | undefined
  readonly body: readonly Statement[]
}
