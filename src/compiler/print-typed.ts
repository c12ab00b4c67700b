/**
 * The typed tree as text that reads like the TypeScript it came from, with all that checking found out: the type of each
 * variable where it is first assigned, and every conversion. The functions that it calls stand below it.
 */
import {
  nameOfType,
  type StructField,
  type Typed,
  type TypedFunction,
  type TypedStatement,
  type Variable,
} from './typed.ts'

/** `reasons` are the names of the drop reasons, in the order of their numbers. */
export const printTyped = (body: readonly TypedStatement[], reasons: readonly string[] = []): string =>
  new Printer(reasons).program(body).join('\n')

class Printer {
  private readonly reasons: readonly string[]
  private readonly names = new Map<number, string>()
  private readonly uses = new Map<string, number>()
  private readonly functions = new Map<TypedFunction, string>()

  constructor(reasons: readonly string[]) {
    this.reasons = reasons
  }

  program(body: readonly TypedStatement[]): string[] {
    const lines = this.statements(body)
    // Printing one of them can bring in more.
    for (const callee of this.functions.keys()) lines.push('', ...this.function(callee))
    return lines
  }

  private statements = (body: readonly TypedStatement[]): string[] => body.flatMap((node) => this.statement(node))

  private block = (head: string, body: readonly TypedStatement[]): string[] => [
    ...`${head} {`.split('\n'),
    ...indented(this.statements(body)),
    '}',
  ]

  private statement(node: TypedStatement): string[] {
    switch (node.op) {
      case 'assign': {
        const value = this.text(node.value)
        return `${this.target(node.variable)} = ${value}`.split('\n')
      }
      case 'store':
        return `${this.operand(node.base)}.${node.field.name} = ${this.text(node.value)}`.split('\n')
      case 'if': {
        const lines = this.block(`if (${this.text(node.test)})`, node.whenTrue)
        return node.whenFalse.length === 0 ? lines : [...lines.slice(0, -1), ...this.block('} else', node.whenFalse)]
      }
      case 'loop': {
        const { variable, from, step, times } = node
        return this.block(`for (${this.target(variable)} = ${from}; ${times} times; += ${step})`, node.body)
      }
      case 'while': {
        const lines = this.block(`while (${this.text(node.test)}; at most ${node.times} times)`, node.body)
        if (node.update.length === 0) return lines
        return [...lines.slice(0, -1), ...this.block('} continue', node.update)]
      }
      case 'rounds':
        return this.block('rounds', []).toSpliced(
          1,
          0,
          ...node.rounds.flatMap((round) => indented(this.block('round', round))),
        )
      case 'breakable':
        return this.block('switch', node.body)
      case 'return':
        return (node.value === undefined ? 'return' : `return ${this.text(node.value)}`).split('\n')
      case 'evaluate':
        return this.text(node.value).split('\n')
      case 'break':
      case 'continue':
        return [node.out === 0 ? node.op : `${node.op}, ${node.out} further out`]
    }
  }

  /** A variable where it is assigned: with its type, the first time. */
  private target(variable: Variable): string {
    const isNew = !this.names.has(variable.id)
    const name = this.name(variable)
    return isNew ? `${name}: ${nameOfType(variable.type)}` : name
  }

  private name({ id, name }: Variable): string {
    const known = this.names.get(id) ?? this.unused(name)
    this.names.set(id, known)
    return known
  }

  private functionName(callee: TypedFunction): string {
    const known = this.functions.get(callee) ?? this.unused(callee.name)
    this.functions.set(callee, known)
    return known
  }

  /** Others of the same name get a number: `x`, `x_2`, … */
  private unused(name: string): string {
    const use = (this.uses.get(name) ?? 0) + 1
    this.uses.set(name, use)
    return use === 1 ? name : `${name}_${use}`
  }

  /** An expression as a part of another: in parentheses where it has an operator. */
  private operand = (node: Typed): string => (isCompound(node) ? `(${this.text(node)})` : this.text(node))

  private text(node: Typed): string {
    switch (node.op) {
      case 'constant':
        return node.type.kind === 'bool' ? String(node.value !== 0n) : String(node.value)
      case 'wired':
        return node.wired.name
      case 'null':
        return 'null'
      case 'variable':
        return this.name(node.variable)
      case 'field':
        // The element of a list is a struct of one field.
        if (node.base.op === 'element' && node.struct.fields.element !== undefined) return this.text(node.base)
        return `${this.operand(node.base)}.${node.field.name}`
      case 'element':
        return `${this.operand(node.base)}.${node.field.name}[${this.text(node.index)}]`
      case 'address':
        return `${nameOfType(node.type)}(${node.octets.join('.')})`
      case 'octets':
        return `${nameOfType(node.type)}([${node.elements.map((one) => this.text(one)).join(', ')}])`
      case 'mask':
        return `masked(${this.text(node.base)}, ${this.text(node.length)})`
      case 'byte':
        return `${this.operand(node.base)}[${node.index}]`
      case 'length':
        return 'packet.length'
      case 'vlan':
        return 'packet.vlan'
      case 'segmentSize':
        return 'packet.segmentSize'
      case 'now':
        return 'now()'
      case 'read':
        return `packet.read(${[node.struct.name, ...[node.offset, node.within].flatMap((one) => (one === undefined ? [] : [this.text(one)]))].join(', ')})`
      case 'get':
      case 'delete':
        return `${node.table.name}.${node.op}(${this.record(node.key)})`
      case 'set':
      case 'add':
      case 'replace':
        return `${node.table.name}.${node.op}(${this.record(node.key)}, ${this.record(node.value)})`
      case 'arithmetic':
      case 'compare':
        return `${this.operand(node.left)} ${node.operator} ${this.operand(node.right)}`
      case 'and':
        return `${this.operand(node.left)} && ${this.operand(node.right)}`
      case 'or':
        return `${this.operand(node.left)} || ${this.operand(node.right)}`
      case 'isNull':
        return `${this.operand(node.operand)} === null`
      case 'not':
        if (node.operand.op === 'isNull') return `${this.operand(node.operand.operand)} !== null`
        return `!${this.operand(node.operand)}`
      case 'complement':
        return `~${this.operand(node.operand)}`
      case 'negate':
        return `-${this.operand(node.operand)}`
      case 'convert':
        return `${nameOfType(node.type)}(${this.text(node.operand)})`
      case 'conditional':
        return [node.test, node.whenTrue, node.whenFalse]
          .map((part) => this.operand(part))
          .reduce((text, part, index) => `${text} ${index === 1 ? '?' : ':'} ${part}`)
      case 'bound': {
        const value = this.text(node.value)
        return `{ ${this.target(node.variable)} = ${value}; ${this.text(node.body)} }`
      }
      case 'call':
        return `${this.functionName(node.callee)}(${node.arguments.map((one) => this.text(one)).join(', ')})`
      case 'encapsulate':
      case 'decapsulate':
        return `packet.${node.op}(${node.tunnel.headers.join(', ')})`
      case 'move':
        return `packet.${node.move}(${node.operands.map((one) => this.text(one)).join(', ')})`
      case 'push':
      case 'emit':
      case 'has':
        return `${node.table.name}.${node.op}(${this.record(node.value)})`
      case 'pop':
      case 'peek':
        return `${node.table.name}.${node.op}()`
      case 'cell':
        return `${node.table.name}.get()`
      case 'withLock':
        return `withLock(${this.text(node.call)})`
      case 'atomic': {
        const values = node.operands.map((one) => this.text(one)).join(', ')
        return `atomic.${node.operation}(${this.text(node.base)}, ${node.field.name}, ${values})`
      }
      case 'drop':
        return `drop(${this.reasons[node.reason] ?? node.reason})`
      case 'punt':
        return `punt(${[node.reason, ...(node.metadata.length > 0 ? [this.record(node.metadata)] : [])].join(', ')})`
      case 'forward':
        return `forward(${this.text(node.port)})`
      case 'flood':
      case 'pass':
      case 'next':
        return `${node.op}()`
    }
  }

  private record = (fields: readonly StructField[]): string =>
    `{ ${fields.map(({ field, value }) => `${field.name}: ${this.text(value)}`).join(', ')} }`

  private function(callee: TypedFunction): string[] {
    const parameters = callee.parameters.map((variable) => this.target(variable)).join(', ')
    return this.block(`function ${this.functionName(callee)}(${parameters}): ${nameOfType(callee.result)}`, callee.body)
  }
}

const COMPOUND: ReadonlySet<Typed['op']> = new Set(['arithmetic', 'compare', 'and', 'or', 'conditional', 'isNull'])
const isCompound = (node: Typed): boolean =>
  COMPOUND.has(node.op) || (node.op === 'not' && node.operand.op === 'isNull')

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
