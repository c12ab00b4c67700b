/** References of generated data planes: taken, and tested in one of the ways that people write. */
import type { StructType } from '../../../src/lang/index.ts'
import { HEADERS } from '../cube.ts'
import { type FieldOf, fieldsOf, type Int, isInt, promoted } from '../types.ts'
import { type Draft, indented, type Origin, type Reference } from './draft.ts'
import { compatible, constant, unsigned } from './integers.ts'
import { body, DEEPEST, returned } from './statements.ts'
import { entry, store, type Taken } from './tables.ts'
import { test } from './values.ts'

/** Where headers begin after Ethernet, tags, and IP; and where none does. */
const OFFSETS = [0, 14, 34, 18, 22, 54, 38, 42, 1, 7, 60]

type Kind = keyof typeof HEADERS
const KINDS = Object.keys(HEADERS) as Kind[]
const structOf = (kind: Kind) => HEADERS[kind] as StructType
/** What may be a part of a message: what is none itself. */
const PARTS = KINDS.filter((kind) => structOf(kind).checksums?.checksum?.covers !== 'message')

function header(draft: Draft): Taken {
  const message = around(draft)
  const kind = draft.pick(message === undefined ? KINDS : PARTS)
  const [name, struct, origin] = [draft.fresh('h'), structOf(kind), { of: 'packet', header: kind } as const]
  if (message !== undefined) {
    const text = `packet.read(${draft.word(kind)}, ${offset(draft, kind)}, ${message.name})`
    return { name, struct, origin: { ...origin, isPart: true }, text }
  }
  const read = (): string => {
    const given = offset(draft, kind)
    return `packet.read(${draft.word(kind)}${given === '0' ? '' : `, ${given}`})`
  }
  return { name, struct, origin, text: read(), again: read }
}

/** Sometimes the header of a message, for what is a part of it. */
function around(draft: Draft): Reference | undefined {
  if (draft.inHelper || draft.breaks.includes('loop')) return undefined
  const messages = draft.alive().filter(({ struct, once }) => once && struct.checksums?.checksum?.covers === 'message')
  return messages.length > 0 && draft.once(2) ? draft.pick(messages) : undefined
}

const offset = (draft: Draft, kind: string): string =>
  draft.oneOf(
    [5, () => String(draft.pick(OFFSETS))],
    [1, () => String(draft.choose(140))],
    [1, () => `${draft.word('Ethernet')}.size + ${draft.word('IPv4')}.size`],
    [1, () => `${draft.word(kind)}.size`],
    [3, () => computed(draft)],
  )

/** A reference, or one of two. */
function taken(draft: Draft): Taken | undefined {
  const one = draft.choose(2) === 0 ? header(draft) : entry(draft)
  if (one?.again === undefined || !draft.once(one.struct.checksums === undefined ? 8 : 3)) return one
  const { struct, again } = one
  // A parameter is not known to be of the same table; and the message around a part would be forgotten.
  const alike = draft
    .alive()
    .filter(({ name, struct: other, origin }) => other === struct && !name.startsWith('p') && !isPart(origin))
  if (draft.once(3)) {
    const first = draft.pick([
      again,
      ...draft
        .alive()
        .filter(isFree)
        .map(
          ({ name }) =>
            () =>
              name,
        ),
    ])()
    return first === undefined ? one : { ...one, text: `${first} && ${one.text}`, isChosen: true }
  }
  const other = draft.oneOf([1, () => 'null'], [1, again], [alike.length, () => draft.pick(alike).name])
  return other === undefined ? one : { ...one, text: `${test(draft, 1)} ? ${one.text} : ${other}`, isChosen: true }
}

/** A copy is in registers, and of a part the message around it would be forgotten. */
const isFree = ({ origin }: Reference): boolean => origin.of !== 'copy' && !isPart(origin)

const isPart = (origin: Origin): boolean => origin.of === 'packet' && origin.isPart === true

/** An offset that is known only when the packet is there: unsigned, of up to 32 bits. */
function computed(draft: Draft): string {
  const from = unsigned(draft, 2)
  return draft.oneOf(
    [2, () => `14 + (${from} & ${draft.pick([15, 63, 127])})`],
    [2, () => `${draft.pick(OFFSETS)} + (${from} & 15) * 4`],
    [1, () => `(${from} % ${draft.pick([60, 130, 20000, 40000])})`],
    [1, () => from],
  )
}

export function reference(draft: Draft, depth: number): string[] {
  const one = taken(draft)
  if (one === undefined) return []
  const { name, struct, origin, text, before = [], isChosen } = one
  const declared = [...before, `const ${name} = ${text}`]
  // What one of several is, is seen in what is done to it.
  const use = (): string[] => {
    draft.refer(name, struct, origin, isChosen)
    const mine = draft.alive().filter((known) => known.name === name)
    return isChosen === true && draft.once(2) ? (store(draft, mine) ?? []) : []
  }
  const using = (): string[] => draft.opened(() => [...indented(use()), ...body(draft, depth)])
  const nested = depth < DEEPEST ? 1 : 0
  return draft.oneOf<string[]>(
    [
      2,
      () => {
        const left = `if (${draft.pick([`!${name}`, `${name} === null`])}) return ${returned(draft, 1)}`
        return [...declared, left, ...use()]
      },
    ],
    [
      1,
      () => {
        const { field, type } = integer(draft, struct)
        const kept = draft.fresh('v')
        const otherwise = compatible(draft, type, 1).text
        draft.declare(kept, type)
        const of = `const ${kept}: ${draft.word(type)} =`
        return draft.oneOf(
          [2, () => [...declared, `${of} ${name} ? ${name}.${field} : ${otherwise}`]],
          [1, () => [...before, `${of} (${text})?.${field} ?? ${otherwise}`]],
          [1, () => [...declared, `${of} ${name}?.${field} ?? ${otherwise}`]],
        )
      },
    ],
    [nested, () => [...declared, `if (${draft.pick([name, `${name} !== null`])}) {`, ...using(), '}']],
    [nested, () => [...declared, `if (${name} && ${compared(draft, name, struct)}) {`, ...using(), '}']],
    [
      1,
      () => {
        const left = `if (!${name} || ${compared(draft, name, struct)}) return ${returned(draft, 1)}`
        return [...declared, left, ...use()]
      },
    ],
    [nested, () => [...declared, `if (!${name}) {`, ...body(draft, depth), '} else {', ...using(), '}']],
    [nested, () => [...declared, `if (!(${name} === null) && (${test(draft, 1)})) {`, ...using(), '}']],
  )
}

function compared(draft: Draft, name: string, struct: StructType): string {
  const { field, type } = integer(draft, struct)
  return `${name}.${field} ${draft.pick(['===', '!==', '<', '>='])} ${constant(draft, promoted(type))}`
}

/** A field that is an integer: every struct here has one. */
const integer = (draft: Draft, struct: StructType): FieldOf<Int> =>
  draft.pick(fieldsOf(struct).flatMap(({ field, type }) => (isInt(type) ? [{ field, type }] : [])))
