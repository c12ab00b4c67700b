/** Addresses of generated data planes: known, made of other values, or written down. */
import type { ADDRESSES } from '../types.ts'
import type { Draft } from './draft.ts'
import { int, unsigned } from './integers.ts'
import { atom, call, test } from './values.ts'

type Role = (typeof ADDRESSES)[number]

/** Few different ones, so that they meet. */
const WRITTEN = {
  mac: ['00:00:00:00:00:00', '01:00:00:00:00:02', '02:00:00:00:00:01', 'ff:ff:ff:ff:ff:ff', '01:80:c2:00:00:00'],
  ipv4: ['0.0.0.0', '1.2.3.255', '128.0.0.1', '255.255.255.255', '10.0.0.1'],
  ipv6: ['::', '::1', 'fd00::1', '2001:db8::ff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
} as const
const PREFIXES = ['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '1.2.0.0/15', '10.0.0.1/32', '::/1', '200::/7', 'fd00::/33']
const SIZE = { mac: 6, ipv4: 4, ipv6: 16 } as const

/** Of literals and of what is made of values, too, so that there always is one. */
export function address(draft: Draft, role: Role, depth: number): string {
  const known = (): string => knownAddress(draft, role, depth) ?? written(draft, role)
  if (depth <= 0) return draft.oneOf([6, known], [1, () => written(draft, role)])
  return draft.oneOf(
    [8, known],
    [1, () => written(draft, role)],
    [1, () => ofOctets(draft, role)],
    [1, () => `${draft.word('masked')}(${address(draft, role, depth - 1)}, ${length(draft, 8 * SIZE[role])})`],
    [role === 'ipv6' ? 0 : 1, () => `${draft.word(role)}(${unsigned(draft, depth - 1)})`],
  )
}

/** Never one that the compiler knows. Undefined where there is none. */
export function knownAddress(draft: Draft, role: Role, depth: number): string | undefined {
  if (depth > 0 && draft.once(5)) {
    const [a, b] = [atom(draft, role), atom(draft, role)]
    if (a !== undefined && b !== undefined) return `(${test(draft, depth - 1)} ? ${a} : ${b})`
  }
  if (depth > 0 && draft.once(6)) return call(draft, role, depth - 1) ?? atom(draft, role)
  return atom(draft, role)
}

const written = (draft: Draft, role: Role): string => `${draft.word(role)}('${draft.pick(WRITTEN[role])}')`

function ofOctets(draft: Draft, role: Role): string {
  const octets = Array.from({ length: SIZE[role] }, () =>
    draft.oneOf([2, () => String(draft.choose(256))], [1, () => int(draft, 0).text]),
  )
  return `${draft.word(role)}([${octets.join(', ')}])`
}

const length = (draft: Draft, most: number): string =>
  draft.oneOf(
    [2, () => String(draft.choose(most + 1))],
    [1, () => `${unsigned(draft, 0)} % ${most + 1}`],
    [1, () => `${unsigned(draft, 0)} & 31`],
  )

/** Whether an address is in a prefix. */
export function within(draft: Draft, depth: number): string {
  const prefix = draft.pick(PREFIXES)
  const role = draft.pick(['ipv4', 'ipv6'] as const)
  return `${draft.word('contains')}(${draft.word('prefix')}('${prefix}'), ${address(draft, role, depth)})`
}
