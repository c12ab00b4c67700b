/** Integers of generated data planes: constants, variables, arithmetic. */
import { ADDRESSES, common, INTS, type Int, isInt, promoted, rangeOf } from '../types.ts'
import { knownAddress } from './addresses.ts'
import type { Draft } from './draft.ts'
import { atom, call, test } from './values.ts'

export interface Text {
  readonly text: string
  readonly type: Int
}

/** A constant has no type of its own; `common` is that of the result where it meets the operand it was written for. */
interface Literal {
  readonly text: string
  readonly type: 'literal'
  readonly common: Int
}

export function int(draft: Draft, depth: number): Text {
  if (depth <= 0) return leaf(draft)
  return draft.oneOf<Text>(
    [2, () => leaf(draft)],
    [3, () => binary(draft, depth)],
    [1, () => unary(draft, depth)],
    [1, () => conversion(draft, depth)],
    [1, () => conditional(draft, depth)],
    [1, () => returned(draft, depth)],
    [1, () => octet(draft, depth)],
    [1, () => shift(draft, depth)],
    [1, () => extreme(draft)],
  )
}

/** Of 32 bits at most, and unsigned: what may be an offset or an index. */
export function unsigned(draft: Draft, depth: number): string {
  const { text, type } = int(draft, depth)
  return ['u8', 'u16', 'u32'].includes(type) ? text : `${draft.word('u32')}(${text})`
}

/** Never a plain constant: those are computed exactly, and what they are depends on their value. */
function leaf(draft: Draft): Text {
  const type = draft.pick(INTS)
  const known = atom(draft, type)
  if (known !== undefined) return { text: known, type }
  if (draft.locked)
    return draft.pick(draft.names.flatMap(({ name, type }) => (isInt(type) ? [{ text: name, type }] : [])))
  return draft.oneOf<Text>(
    [2, () => ({ text: 'packet.length', type: 'u32' })],
    [1, () => ({ text: 'packet.vlan', type: 'u16' })],
    [1, () => ({ text: 'packet.segmentSize', type: 'u32' })],
    [2, () => ({ text: 'now()', type: 'u64' })],
    [2, () => ({ text: `${draft.word(type)}(packet.length)`, type })],
    [2, () => ({ text: `${draft.word(type)}(now())`, type })],
  )
}

function binary(draft: Draft, depth: number): Text {
  const left = int(draft, depth - 1)
  const operator = draft.pick(['+', '-', '*', '/', '%', '&', '|', '^'])
  const divides = operator === '/' || operator === '%'
  const right = compatible(draft, left.type, depth - 1, divides)
  if (right.type !== 'literal')
    return { text: `(${left.text} ${operator} ${right.text})`, type: common(left.type, right.type) }
  const [first, second] = draft.once(3) && !divides ? [right, left] : [left, right]
  return { text: `(${first.text} ${operator} ${second.text})`, type: right.common }
}

function unary(draft: Draft, depth: number): Text {
  const operand = int(draft, depth - 1)
  return { text: `${draft.pick(['-', '~'])}(${operand.text})`, type: promoted(operand.type) }
}

function conversion(draft: Draft, depth: number): Text {
  const type = draft.pick(INTS)
  return { text: `${draft.word(type)}(${int(draft, depth - 1).text})`, type }
}

function conditional(draft: Draft, depth: number): Text {
  const left = int(draft, depth - 1)
  const right = compatible(draft, left.type, depth - 1)
  const type = right.type === 'literal' ? right.common : common(left.type, right.type)
  return { text: `(${test(draft, depth - 1)} ? ${left.text} : ${right.text})`, type }
}

/** Of two that call nothing: they are computed once, and compared. */
function extreme(draft: Draft): Text {
  const left = leaf(draft)
  const right = compatible(draft, left.type, 0)
  const type = right.type === 'literal' ? right.common : common(left.type, right.type)
  return { text: `Math.${draft.pick(['min', 'max'])}(${left.text}, ${right.text})`, type }
}

function returned(draft: Draft, depth: number): Text {
  const type = draft.pick(INTS)
  const text = call(draft, type, depth - 1)
  return text === undefined ? leaf(draft) : { text, type }
}

/** An octet of an address, or all of it as a number. Of known ones only: others would be constants. */
function octet(draft: Draft, depth: number): Text {
  const role = draft.pick(ADDRESSES)
  const text = knownAddress(draft, role, depth - 1)
  if (text === undefined) return leaf(draft)
  if (role !== 'ipv6' && draft.once(3)) {
    const type = role === 'mac' || draft.once(4) ? 'u64' : 'u32'
    return { text: `${draft.word(type)}(${text})`, type }
  }
  const index = draft.choose({ mac: 6, ipv4: 4, ipv6: 16 }[role])
  return { text: draft.choose(2) === 0 ? `${text}[${index}]` : `${text}.at(${index})`, type: 'u8' }
}

function shift(draft: Draft, depth: number): Text {
  const left = int(draft, depth - 1)
  const type = promoted(left.type)
  const by = draft.choose(2)
    ? literal(draft, BigInt(draft.choose(type.endsWith('64') ? 64 : 32)))
    : int(draft, depth - 1).text
  return { text: `(${left.text} ${draft.pick(['<<', '>>', '>>>'])} ${by})`, type }
}

/** An operand that may meet one of `type`: converted where the signs differ, or a constant that fits. */
export function compatible(draft: Draft, type: Int, depth: number, notZero = false): Text | Literal {
  const own = promoted(type)
  if (draft.choose(3) === 0) {
    const chosen = constantValue(draft, own)
    const value = notZero && chosen === 0n ? 1n : chosen
    const [least, most] = rangeOf(own)
    const wide = own.startsWith('i') ? 'i64' : 'u64'
    return { text: literal(draft, value), type: 'literal', common: value >= least && value <= most ? own : wide }
  }
  const right = int(draft, depth)
  const mixed = own[0] !== promoted(right.type)[0] && Number(type.slice(1)) >= 32 && Number(right.type.slice(1)) >= 32
  return mixed ? { text: `${draft.word(own)}(${right.text})`, type: own } : right
}

export const constant = (draft: Draft, type: Int): string => literal(draft, constantValue(draft, type))

function constantValue(draft: Draft, type: Int): bigint {
  const [least, most] = rangeOf(type)
  const [wideLeast, wideMost] = rangeOf(type.startsWith('i') ? 'i64' : 'u64')
  const value = draft.pick([...VALUES, most, most - 1n, least, wideMost])
  return value < wideLeast || value > wideMost ? 1n : value
}

const VALUES = [
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
  -1n,
  -7n,
  1n << 31n,
  1n << 32n,
  (1n << 32n) - 1n,
  0x123456789abcdefn,
  -(1n << 31n),
]

/** A constant, written in one of the ways that there are. */
export function literal(draft: Draft, value: bigint): string {
  return draft.oneOf(
    [4, () => (value < 0n ? `(-${-value})` : `${value}`)],
    [2, () => (value < 0n ? `(-${-value})` : `0x${value.toString(16)}`)],
    [draft.locked ? 0 : 1, () => `config.${configured(draft, value)}`],
    [
      1,
      () => {
        const name = draft.fresh('C')
        draft.constants.push(`const ${name} = ${value}`)
        return name
      },
    ],
    [isSmall(value) ? 1 : 0, () => member(draft, value)],
  )
}

/** Of an enum, or of an object of constants. */
function member(draft: Draft, value: bigint): string {
  const name = draft.fresh('M')
  return draft.oneOf(
    [
      1,
      () => {
        draft.constants.push(`enum ${name} { first, some = ${value} }`)
        return `${name}.some`
      },
    ],
    [
      1,
      () => {
        draft.constants.push(`const ${name} = { some: ${value}, all: [1, { some: ${value} }] }`)
        return draft.pick([`${name}.some`, `${name}.all[1].some`])
      },
    ],
  )
}

/** Whether JavaScript's numbers hold it exactly. */
const isSmall = (value: bigint): boolean => value >= -(2n ** 53n) && value <= 2n ** 53n

function configured(draft: Draft, value: bigint): string {
  const name = draft.fresh('c')
  draft.config[name] = isSmall(value) ? Number(value) : value
  return name
}
