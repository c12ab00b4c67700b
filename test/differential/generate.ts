/** Random data planes that the checker accepts, as TypeScript text. Every decision is a call of `choose`. */
import { Ethernet, IPv4, type StructType, Udp } from '../../src/lang/index.ts'
import { Mixed, sample } from './cube.ts'
import { common, INTS, type Int, promoted, rangeOf, type Type, typeOfField } from './types.ts'

/** A number from 0 to `below - 1`. 0 is the simplest choice. */
export type Choose = (below: number) => number

export interface Generated {
  readonly text: string
  readonly config: Readonly<Record<string, number | bigint | boolean>>
}

interface Text {
  readonly text: string
  readonly type: Int
}

interface Name {
  readonly name: string
  readonly type: Type
  readonly mutable: boolean
}

interface Reference {
  readonly name: string
  readonly struct: StructType
  readonly table: TableName | undefined
  /** Until its table changes: then it may be what another key has now. */
  alive: boolean
}

interface Helper {
  readonly name: string
  readonly parameters: readonly Type[]
  readonly returns: Type | 'verdict'
  readonly cost: number
}

type TableName = keyof typeof sample.state
const HEADERS = { Ethernet, IPv4, Udp, Mixed } as const
const ADDRESSES = ['mac', 'ipv4', 'ipv6'] as const
const TYPES: readonly Type[] = [...INTS, 'bool', ...ADDRESSES]
const DEEPEST = 3

export function generate(choose: Choose): Generated {
  return new Generator(choose).program()
}

class Generator {
  private readonly choose: Choose
  private readonly config: Record<string, number | bigint | boolean> = {}
  private readonly helpers: Helper[] = []
  private names: Name[] = []
  private references: Reference[] = []
  private counter = 0
  /** Statements that may still be written. */
  private budget = 0
  /** What is inlined counts, too. */
  private cost = 0
  private returns: Type | 'verdict' = 'verdict'
  private inHelper = false
  private readonly breaks: ('loop' | 'switch')[] = []

  constructor(choose: Choose) {
    this.choose = choose
  }

  program(): Generated {
    const functions = Array.from({ length: this.choose(4) }, () => this.helper())
    this.names = []
    this.references = []
    this.inHelper = false
    this.returns = 'verdict'
    this.budget = 6 + this.choose(20)
    const body = this.opened(() => {
      this.references.push({ name: 'first', struct: Ethernet, table: undefined, alive: true })
      return [...this.statements(0), ...this.results(), `return ${this.verdict(1)}`]
    })
    const lines = [
      "import { atomic, Ethernet, IPv4, type ipv4, type ipv6, i32, i64, type mac, Udp, u8, u16, u32, u64 } from '../../src/lang/index.ts'",
      "import type { Verdict } from '../../src/lang/index.ts'",
      "import { dataplane, Mixed, sample } from './cube.ts'",
      '',
      ...functions.flat(),
      'export default dataplane(sample, (packet, context) => {',
      ...CONTEXT,
      '  const first = packet.read(Ethernet)',
      "  if (!first) return drop('truncated')",
      ...indented(body),
      '})',
    ]
    return { text: `${lines.join('\n')}\n`, config: this.config }
  }

  private helper(): string[] {
    const name = `helper${this.helpers.length}`
    const verdict = this.choose(5) === 4
    const returns = verdict ? 'verdict' : this.pick(TYPES)
    const parameters = Array.from({ length: this.choose(4) }, () => this.pick(TYPES))
    // What it returns must be there to be returned.
    if (returns !== 'verdict' && isAddress(returns)) parameters.push(returns)
    const before = this.cost
    this.names = parameters.map((type, index) => ({ name: `p${index}`, type, mutable: true }))
    this.references = []
    this.inHelper = true
    this.returns = returns
    this.budget = 1 + this.choose(5)
    const body = this.opened(() => {
      const lines = this.statements(1)
      return [...lines, `return ${this.returned(1)}`]
    })
    const typed = parameters.map((type, index) => `, p${index}: ${annotation(type)}`).join('')
    const result = returns === 'verdict' ? 'Verdict' : annotation(returns)
    this.helpers.push({ name, parameters, returns, cost: this.cost - before + 4 })
    this.cost = 0
    return [`function ${name}(packet, context${typed}): ${result} {`, ...CONTEXT, ...indented(body), '}', '']
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.choose(from.length)] as T
  }

  private fresh(prefix: string): string {
    return `${prefix}${this.counter++}`
  }

  /** Names declared in `work` are forgotten after it. */
  private opened(work: () => string[]): string[] {
    const [names, references] = [this.names, this.references]
    this.names = [...names]
    this.references = [...references]
    const lines = work()
    this.names = names
    this.references = references
    return lines
  }

  private statements(depth: number): string[] {
    const count = 1 + this.choose(depth === 0 ? 12 : 4)
    const lines: string[] = []
    for (let i = 0; i < count && this.budget > 0; i++) {
      this.budget--
      this.cost++
      lines.push(...this.statement(depth))
    }
    return lines
  }

  private statement(depth: number): string[] {
    const nested = depth < DEEPEST
    switch (this.choose(14)) {
      case 0:
      case 1:
      case 2:
        return this.declare()
      case 3:
      case 4:
        return this.assign()
      case 5:
        return nested ? this.branch(depth) : this.declare()
      case 6:
        return nested ? this.loop(depth) : this.assign()
      case 7:
        return nested ? this.choice(depth) : this.declare()
      case 8:
      case 9:
        return this.reference(depth)
      case 10:
        return this.store()
      case 11:
        return this.change(depth)
      case 12:
        return nested ? ['{', ...indented(this.opened(() => this.statements(depth + 1))), '}'] : this.assign()
      default:
        return this.helpers.length > 0 ? this.evaluate() : this.declare()
    }
  }

  private declare(): string[] {
    const mutable = this.choose(2) === 0
    const word = mutable ? 'let' : 'const'
    const name = this.fresh('v')
    const type = this.pick(TYPES)
    if (isInt(type)) {
      const value = this.int(2)
      const annotated = this.choose(3) > 0
      this.names.push({ name, type: annotated ? type : value.type, mutable })
      return [`${word} ${name}${annotated ? `: ${type}` : ''} = ${value.text}`]
    }
    const value = this.valueOf(type, 2)
    if (value === undefined) return []
    this.names.push({ name, type, mutable })
    return [`${word} ${name} = ${value}`]
  }

  private assign(): string[] {
    const mutable = this.names.filter((one) => one.mutable)
    if (mutable.length === 0) return this.declare()
    const { name, type } = this.pick(mutable)
    if (!isInt(type)) {
      const value = this.valueOf(type, 2)
      return value === undefined ? [] : [`${name} = ${value}`]
    }
    switch (this.choose(4)) {
      case 0:
        return [`${name} = ${this.int(2).text}`]
      case 1:
        return [this.choose(2) === 0 ? `${name}++` : `${name}--`]
      default: {
        const operator = this.pick(['+', '-', '*', '&', '|', '^', '<<', '>>', '/', '%'])
        const divides = operator === '/' || operator === '%'
        const right = operator.length === 2 ? this.int(1) : this.compatible(type, 1, divides)
        return [`${name} ${operator}= ${right.text}`]
      }
    }
  }

  private branch(depth: number): string[] {
    const lines = [`if (${this.test(2)}) {`, ...this.body(depth)]
    if (this.choose(2) === 1) lines.push('} else {', ...this.body(depth))
    return [...lines, '}']
  }

  private body(depth: number): string[] {
    return indented(this.opened(() => [...this.statements(depth + 1), ...this.leave()]))
  }

  /** Sometimes a block leaves early. */
  private leave(): string[] {
    const target = this.breaks.at(-1)
    switch (this.choose(6)) {
      case 3:
        return target === undefined ? [] : ['break']
      case 4:
        return this.breaks.includes('loop') ? ['continue'] : []
      case 5:
        return [`return ${this.returned(1)}`]
      default:
        return []
    }
  }

  private loop(depth: number): string[] {
    const name = this.fresh('i')
    const times = this.choose(6)
    const step = 1 + this.choose(3)
    const start = this.choose(4)
    const down = this.choose(3) === 2
    const type = down ? this.pick(['i32', 'i64'] as const) : this.pick(INTS)
    const end = down ? start - step * times : start + step * times
    const inclusive = this.choose(3) === 2
    const operator = down ? (inclusive ? '>=' : '>') : inclusive ? '<=' : '<'
    const bound = this.literal(BigInt(end))
    const head = `for (let ${name}: ${type} = ${start}; ${name} ${operator} ${bound}; ${this.stepOf(name, step, down)}) {`
    // A reference from before would see what the round before has changed.
    const hidden = this.references
    const lines = this.opened(() => {
      this.references = hidden.filter(({ table }) => table === undefined || sample.state[table].kind === 'array')
      this.names.push({ name, type, mutable: false })
      this.breaks.push('loop')
      const inner = this.body(depth)
      this.breaks.pop()
      return inner
    })
    return [head, ...lines, '}']
  }

  private stepOf(name: string, step: number, down: boolean): string {
    if (step === 1) return `${name}${down ? '--' : '++'}`
    return `${name} ${down ? '-' : '+'}= ${step}`
  }

  private choice(depth: number): string[] {
    const subject = this.int(2)
    const type = promoted(subject.type)
    const cases = Array.from({ length: this.choose(4) }, () => {
      const labels = Array.from({ length: 1 + this.choose(2) }, () => `case ${this.constant(type)}:`)
      this.breaks.push('switch')
      const body = this.body(depth)
      this.breaks.pop()
      return [...labels, '{', ...body, ...(this.choose(2) ? ['}', 'break'] : ['  break', '}'])]
    })
    this.breaks.push('switch')
    const last = this.choose(2) === 1 ? ['default: {', ...this.body(depth), '}'] : []
    this.breaks.pop()
    return [`switch (${subject.text}) {`, ...indented([...cases.flat(), ...last]), '}']
  }

  /** Takes a header or an entry, and tests it in one of the ways that people write. */
  private reference(depth: number): string[] {
    const taken = this.choose(2) === 0 ? this.header() : this.entry()
    if (taken === undefined) return []
    const { reference, text } = taken
    const { name } = reference
    const use = (): void => void this.references.push(reference)
    const declared = `const ${name} = ${text}`
    const fields = Object.keys(reference.struct.fields).filter((field) => isInt(typeOfField(reference.struct, field)))
    const field = this.pick(fields)
    const type = typeOfField(reference.struct, field) as Int
    const compared = `${name}.${field} ${this.pick(['===', '!==', '<', '>='])} ${this.constant(promoted(type))}`
    switch (this.choose(depth < DEEPEST ? 7 : 2)) {
      case 0: {
        const left = `if (${this.pick([`!${name}`, `${name} === null`])}) return ${this.returned(1)}`
        use()
        return [declared, left]
      }
      case 1: {
        const otherwise = this.compatible(type, 1)
        const kept = this.fresh('v')
        const text = `const ${kept}: ${type} = ${name} ? ${name}.${field} : ${otherwise.text}`
        this.names.push({ name: kept, type, mutable: false })
        return [declared, text]
      }
      case 2:
        return [declared, `if (${this.pick([name, `${name} !== null`])}) {`, ...this.using(use, depth), '}']
      case 3:
        return [declared, `if (${name} && ${compared}) {`, ...this.using(use, depth), '}']
      case 4: {
        const left = `if (!${name} || ${compared}) return ${this.returned(1)}`
        use()
        return [declared, left]
      }
      case 5:
        return [declared, `if (!${name}) {`, ...this.body(depth), '} else {', ...this.using(use, depth), '}']
      default:
        return [declared, `if (!(${name} === null) && (${this.test(1)})) {`, ...this.using(use, depth), '}']
    }
  }

  private using(use: () => void, depth: number): string[] {
    return this.opened(() => {
      use()
      return this.body(depth)
    })
  }

  private header(): { reference: Reference; text: string } {
    const kind = this.pick(Object.keys(HEADERS) as (keyof typeof HEADERS)[])
    const offset = this.pick([0, 14, 1, 34, 7, 60])
    const name = this.fresh('h')
    const reference = { name, struct: HEADERS[kind] as StructType, table: undefined, alive: true }
    return { reference, text: `packet.read(${kind}${offset === 0 ? '' : `, ${offset}`})` }
  }

  private entry(): { reference: Reference; text: string } | undefined {
    const table = this.pick(['small', 'flows', 'cells', 'recent', 'routes'] as const)
    const key = this.key(table)
    if (key === undefined) return undefined
    const reference = { name: this.fresh('e'), struct: sample.state[table].value as StructType, table, alive: true }
    return { reference, text: `state.${table}.get(${key})` }
  }

  private key(table: TableName): string | undefined {
    if (table === 'small')
      return `{ id: ${this.pick([() => `${this.choose(4)}`, () => `(${this.int(1).text}) & 3`])()} }`
    if (table === 'cells')
      return `{ index: ${this.pick([() => `${this.choose(4)}`, () => `(${this.int(1).text}) & 7`])()} }`
    if (table === 'routes') return `{ to: ${this.int(1).text}, zone: (${this.int(1).text}) & 1 }`
    if (table === 'recent') {
      const from = this.valueOf('mac', 1)
      return from && `{ from: ${from}, id: (${this.int(1).text}) & 1 }`
    }
    const address = this.valueOf('mac', 1)
    return address && `{ port: ${this.int(1).text}, address: ${address} }`
  }

  /** `entry.field = …` */
  private store(): string[] {
    const known = this.references.filter(({ alive, table }) => alive && table !== undefined)
    if (known.length === 0) return this.assign()
    const { name, struct } = this.pick(known)
    const field = this.pick(Object.keys(struct.fields))
    const type = typeOfField(struct, field)
    if (!isInt(type)) {
      const value = this.valueOf(type, 2)
      return value === undefined ? [] : [`${name}.${field} = ${value}`]
    }
    if (this.choose(4) === 3 && (type.endsWith('32') || type.endsWith('64'))) return this.atomic(name, field, type)
    if (this.choose(3) === 2) return [`${name}.${field} += ${this.compatible(type, 1).text}`]
    return [`${name}.${field} = ${this.int(2).text}`]
  }

  /** `atomic.add(entry, 'field', …)`, perhaps with its result. */
  private atomic(entry: string, field: string, type: Int): string[] {
    const operation = this.pick(['add', 'or', 'and', 'xor', 'exchange', 'compareExchange'] as const)
    const values = [this.int(2).text, ...(operation === 'compareExchange' ? [this.int(1).text] : [])]
    const call = `atomic.${operation}(${entry}, '${field}', ${values.join(', ')})`
    if (this.choose(2) === 0) return [call]
    const name = this.fresh('v')
    this.names.push({ name, type, mutable: false })
    return [`const ${name} = ${call}`]
  }

  /** Sets or deletes. In functions only arrays change: an expression around the call may hold references to others. */
  private change(depth: number): string[] {
    const table = this.inHelper ? 'cells' : this.pick(['cells', 'small', 'flows', 'recent'] as const)
    const key = this.key(table)
    if (key === undefined) return []
    const removes = table !== 'cells' && this.choose(3) === 2
    const value = removes ? '' : this.record(sample.state[table].value as StructType)
    if (value === undefined) return []
    const call = removes ? `state.${table}.delete(${key})` : `state.${table}.set(${key}, ${value})`
    for (const reference of this.references) if (reference.table === table && table !== 'cells') reference.alive = false
    switch (this.choose(3)) {
      case 0:
        return [call]
      case 1: {
        const name = this.fresh('v')
        this.names.push({ name, type: 'bool', mutable: false })
        return [`const ${name} = ${call}`]
      }
      default:
        return depth < DEEPEST ? [`if (${this.choose(2) ? '!' : ''}${call}) {`, ...this.body(depth), '}'] : [call]
    }
  }

  private record(struct: StructType): string | undefined {
    const fields = Object.keys(struct.fields).map((field) => {
      const type = typeOfField(struct, field)
      const text = isInt(type) ? this.int(1).text : this.valueOf(type, 1)
      return text === undefined ? undefined : `${field}: ${text}`
    })
    return fields.includes(undefined) ? undefined : `{ ${fields.join(', ')} }`
  }

  private evaluate(): string[] {
    const call = this.call(this.pick(TYPES), 1)
    return call === undefined ? [] : [call]
  }

  /** What is known at the end goes where the test can see it. */
  private results(): string[] {
    return [0, 1, 2, 3].flatMap((index) => {
      const words = RESULTS.map(([field, type]) => {
        const fit = this.names.filter((name) => (type === 'bool' ? name.type === 'bool' : isInt(name.type)))
        return `${field}: ${fit.length > 0 ? this.pick(fit).name : type === 'bool' ? 'false' : '0'}`
      })
      const set = `state.results.set({ index: ${index} }, { ${words.join(', ')}, m: ${this.address('mac', 1)} })`
      const [f, s] = [this.address('ipv4', 1), this.address('ipv6', 1)]
      const more = `state.addresses.set({ index: ${index} }, { f: ${f}, s: ${s} })`
      return f === undefined || s === undefined ? [set] : [set, more]
    })
  }

  private returned(depth: number): string {
    const { returns } = this
    if (returns === 'verdict') return this.verdict(depth)
    return this.valueOf(returns, depth) ?? 'false'
  }

  private verdict(depth: number): string {
    switch (this.choose(depth > 0 ? 7 : 5)) {
      case 0:
        return 'pass()'
      case 1:
      case 2:
        return `drop('${this.pick(['truncated', 'unwanted', 'odd'])}')`
      case 3:
        return `forward(${this.int(1).text} & 3)`
      case 4:
        return 'flood()'
      case 5:
        return `${this.test(1)} ? ${this.verdict(depth - 1)} : ${this.verdict(depth - 1)}`
      default:
        return this.call('verdict', 1) ?? 'pass()'
    }
  }

  /** What an if may ask: a truth value, or whether a number is not 0. */
  private test(depth: number): string {
    return this.choose(5) === 4 ? this.int(depth).text : this.bool(depth)
  }

  private valueOf(type: Type, depth: number): string | undefined {
    if (type === 'bool') return this.bool(depth)
    if (isInt(type)) return this.int(depth).text
    return this.address(type, depth)
  }

  private bool(depth: number): string {
    switch (this.choose(depth > 0 ? 9 : 3)) {
      case 0:
        return this.atom('bool') ?? this.pick(['true', 'false'])
      case 1:
      case 2: {
        const left = this.int(depth - 1)
        return `${left.text} ${this.pick(['===', '!==', '<', '<=', '>', '>='])} ${this.compatible(left.type, depth - 1).text}`
      }
      case 3:
        return `(${this.bool(depth - 1)}) && (${this.test(depth - 1)})`
      case 4:
        return `(${this.test(depth - 1)}) || (${this.bool(depth - 1)})`
      case 5:
        return `!(${this.test(depth - 1)})`
      case 6: {
        const type = this.pick(ADDRESSES)
        const [a, b] = [this.address(type, depth - 1), this.address(type, depth - 1)]
        return a === undefined || b === undefined ? 'false' : `${a} ${this.pick(['===', '!=='])} ${b}`
      }
      case 7:
        return this.call('bool', depth - 1) ?? 'true'
      default:
        return `(${this.bool(depth - 1)}) ${this.pick(['===', '!=='])} (${this.bool(depth - 1)})`
    }
  }

  private address(type: Type, depth: number): string | undefined {
    if (depth > 0 && this.choose(5) === 4) {
      const [a, b] = [this.atom(type), this.atom(type)]
      if (a !== undefined && b !== undefined) return `(${this.test(depth - 1)} ? ${a} : ${b})`
    }
    if (depth > 0 && this.choose(6) === 5) return this.call(type, depth - 1) ?? this.atom(type)
    return this.atom(type)
  }

  /** A variable or a field of that type, where there is one. */
  private atom(type: Type): string | undefined {
    const known = [
      ...this.names.filter((one) => one.type === type).map(({ name }) => name),
      ...this.references
        .filter(({ alive }) => alive)
        .flatMap(({ name, struct }) =>
          Object.keys(struct.fields)
            .filter((field) => typeOfField(struct, field) === type)
            .map((field) => `${name}.${field}`),
        ),
    ]
    return known.length === 0 ? undefined : this.pick(known)
  }

  private call(returns: Type | 'verdict', depth: number): string | undefined {
    const fit = this.helpers.filter((one) => one.returns === returns && this.cost + one.cost < 150)
    if (fit.length === 0) return undefined
    const { name, parameters, cost } = this.pick(fit)
    const given = parameters.map((type) => (isInt(type) ? this.int(depth).text : this.valueOf(type, depth)))
    if (given.includes(undefined)) return undefined
    this.cost += cost
    return `${name}(${['packet', 'context', ...given].join(', ')})`
  }

  private int(depth: number): Text {
    if (depth <= 0) return this.leaf()
    switch (this.choose(11)) {
      case 0:
      case 1:
        return this.leaf()
      case 2:
      case 3:
      case 4:
        return this.binary(depth)
      case 5: {
        const operand = this.int(depth - 1)
        return { text: `${this.pick(['-', '~'])}(${operand.text})`, type: promoted(operand.type) }
      }
      case 6: {
        const type = this.pick(INTS)
        return { text: `${type}(${this.int(depth - 1).text})`, type }
      }
      case 7: {
        const left = this.int(depth - 1)
        const right = this.compatible(left.type, depth - 1)
        const type = right.type === 'literal' ? right.common : common(left.type, right.type)
        return { text: `(${this.test(depth - 1)} ? ${left.text} : ${right.text})`, type }
      }
      case 8: {
        const type = this.pick(INTS)
        const call = this.call(type, depth - 1)
        return call === undefined ? this.leaf() : { text: call, type }
      }
      case 9: {
        const role = this.pick(ADDRESSES)
        const address = this.address(role, depth - 1)
        const size = { mac: 6, ipv4: 4, ipv6: 16 }[role]
        return address === undefined ? this.leaf() : { text: `${address}[${this.choose(size)}]`, type: 'u8' }
      }
      default:
        return this.shift(depth)
    }
  }

  /** Never a plain constant: those are computed exactly, and what they are depends on their value. */
  private leaf(): Text {
    const type = this.pick(INTS)
    const known = this.atom(type)
    if (known !== undefined) return { text: known, type }
    switch (this.choose(9)) {
      case 0:
      case 1:
        return { text: 'packet.length', type: 'u32' }
      case 2:
        return { text: 'packet.vlan', type: 'u16' }
      case 3:
      case 4:
        return { text: 'now()', type: 'u64' }
      case 5:
      case 6:
        return { text: `${type}(packet.length)`, type }
      default:
        return { text: `${type}(now())`, type }
    }
  }

  private binary(depth: number): Text {
    const left = this.int(depth - 1)
    const operator = this.pick(['+', '-', '*', '/', '%', '&', '|', '^'])
    const right = this.compatible(left.type, depth - 1, operator === '/' || operator === '%')
    if (right.type === 'literal') {
      const swapped = this.choose(3) === 2 && operator !== '/' && operator !== '%'
      const text = swapped ? `(${right.text} ${operator} ${left.text})` : `(${left.text} ${operator} ${right.text})`
      return { text, type: right.common }
    }
    return { text: `(${left.text} ${operator} ${right.text})`, type: common(left.type, right.type) }
  }

  private shift(depth: number): Text {
    const left = this.int(depth - 1)
    const type = promoted(left.type)
    const by = this.choose(2)
      ? this.literal(BigInt(this.choose(type.endsWith('64') ? 64 : 32)))
      : this.int(depth - 1).text
    return { text: `(${left.text} ${this.pick(['<<', '>>', '>>>'])} ${by})`, type }
  }

  /** An operand that may meet one of `type`: converted where the signs differ, or a constant that fits. */
  private compatible(type: Int, depth: number, notZero = false): Text | { text: string; type: 'literal'; common: Int } {
    if (this.choose(3) === 0) {
      const value = this.constantValue(promoted(type))
      const given = notZero && value === 0n ? 1n : value
      const fits = given >= rangeOf(promoted(type))[0] && given <= rangeOf(promoted(type))[1]
      const wide = promoted(type).startsWith('i') ? 'i64' : 'u64'
      return { text: this.literal(given), type: 'literal', common: fits ? promoted(type) : wide }
    }
    const right = this.int(depth)
    const [a, b] = [promoted(type), promoted(right.type)]
    const mixed = a[0] !== b[0] && Number(type.slice(1)) >= 32 && Number(right.type.slice(1)) >= 32
    return mixed ? { text: `${a}(${right.text})`, type: a } : right
  }

  private constant(type: Int): string {
    return this.literal(this.constantValue(type))
  }

  private constantValue(type: Int): bigint {
    const [least, most] = rangeOf(type)
    const [wideLeast, wideMost] = rangeOf(type.startsWith('i') ? 'i64' : 'u64')
    const candidates = [
      0n,
      1n,
      2n,
      3n,
      5n,
      7n,
      8n,
      255n,
      256n,
      1000n,
      65535n,
      most,
      most - 1n,
      least,
      -1n,
      -7n,
      1n << 31n,
      1n << 32n,
      (1n << 32n) - 1n,
      wideMost,
      0x123456789abcdefn,
      -(1n << 31n),
    ]
    const value = this.pick(candidates)
    return value < wideLeast || value > wideMost ? 1n : value
  }

  /** A constant, written in one of the ways that there are. */
  private literal(value: bigint): string {
    if (this.choose(6) === 5) {
      const name = this.fresh('c')
      const small = value >= -(2n ** 53n) && value <= 2n ** 53n
      this.config[name] = small ? Number(value) : value
      return `config.${name}`
    }
    if (value < 0n) return `(-${-value})`
    return this.choose(3) === 2 ? `0x${value.toString(16)}` : `${value}`
  }
}

/** Taken out by name, so that functions can be given all of it. */
const CONTEXT = ['state', 'config', 'now', 'drop', 'forward', 'flood', 'pass'].map(
  (name) => `  const ${name} = context.${name}`,
)
const RESULTS = [
  ['wide', 'u64'],
  ['long', 'i64'],
  ['word', 'u32'],
  ['minus', 'i32'],
  ['short', 'u16'],
  ['octet', 'u8'],
  ['flag', 'bool'],
] as const
const isInt = (type: Type | 'verdict'): type is Int => (INTS as readonly string[]).includes(type)
const isAddress = (type: Type): boolean => (ADDRESSES as readonly string[]).includes(type)
const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
const annotation = (type: Type): string => (type === 'bool' ? 'boolean' : type)
