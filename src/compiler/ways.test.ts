import { expect, test } from 'vitest'
import { BOOL, type Typed, type TypedFunction, type TypedStatement, U32 } from './typed.ts'
import { countWays } from './ways.ts'

const at = { source: { file: 'a.ts', text: '' }, span: { start: 0, end: 0 } }
const x = { id: 1, name: 'x', type: U32 }
const bool: Typed = { op: 'constant', value: 1n, type: BOOL, at }
const number: Typed = { op: 'constant', value: 1n, type: U32, at }
const assign = (value: Typed = number): TypedStatement => ({ op: 'assign', variable: x, value, at })
const choose: Typed = { op: 'conditional', test: bool, whenTrue: number, whenFalse: number, type: U32, at }
const when = (whenTrue: readonly TypedStatement[], whenFalse: readonly TypedStatement[] = []): TypedStatement => ({
  op: 'if',
  test: bool,
  whenTrue,
  whenFalse,
  at,
})
const end: TypedStatement = { op: 'return', value: number, at }
const loop = (times: number, ...body: TypedStatement[]): TypedStatement => ({
  op: 'loop',
  settles: false,
  variable: x,
  from: 0n,
  step: 1n,
  times,
  body,
  at,
})
const callee: TypedFunction = {
  name: 'f',
  parameters: [],
  body: [],
  result: U32,
  moves: false,
  changes: [],
  writes: [],
  redirects: [],
  at,
}
const call: Typed = { op: 'call', callee, arguments: [choose], type: U32, at }

test.each<[string, number, TypedStatement[]]>([
  ['one after the other', 1, [assign(), assign(), end]],
  ['choices that meet again double', 8, [when([assign()]), when([assign()]), when([assign()]), end]],
  ['choices that leave add up', 4, [when([end]), when([end]), when([end]), end]],
  ['else if', 3, [when([assign()], [when([assign()])]), end]],
  ['values', 4, [assign(choose), { op: 'return', value: choose, at }]],
  ['every round', 2 ** 5, [loop(5, when([assign()])), end]],
  ['leaving a loop early', 2 ** 3, [loop(3, when([{ op: 'break', out: 0, at }])), end]],
  ['returning from a loop', 4, [loop(3, when([end])), end]],
  ['a call, and its arguments', 2 * 7, [assign(call), end]],
  ['a switch', 2, [{ op: 'breakable', body: [when([{ op: 'break', out: 0, at }])], at }, end]],
])('%s: %i', (_, ways, body) => {
  expect(countWays(body, () => 7)).toBe(ways)
})

test('more than anybody asks for is still a number', () => {
  expect(Number.isFinite(countWays([loop(4096, when([assign()])), when([assign()]), end], () => 1))).toBe(true)
})
