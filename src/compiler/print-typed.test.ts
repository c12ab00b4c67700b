import { expect, test } from 'vitest'
import { printTyped } from './print-typed.ts'
import {
  BOOL,
  type Typed,
  type TypedFunction,
  type TypedStatement,
  U32,
  U64,
  type ValueType,
  type Variable,
} from './typed.ts'

const at = { source: { file: 'a.ts', text: '' }, span: { start: 0, end: 0 } }
const variable = (id: number, name: string, type: ValueType = U32): Variable => ({ id, name, type })
const use = (one: Variable): Typed => ({ op: 'variable', variable: one, type: one.type, at })
const constant = (value: bigint, type: ValueType = U32): Typed => ({ op: 'constant', value, type, at })
const assign = (to: Variable, value: Typed): TypedStatement => ({ op: 'assign', variable: to, value, at })
const plus = (left: Typed, right: Typed): Typed => ({ op: 'arithmetic', operator: '+', left, right, type: U32, at })
const less = (left: Typed, right: Typed): Typed => ({ op: 'compare', operator: '<', left, right, type: BOOL, at })
const returned = (value: Typed): TypedStatement => ({ op: 'return', value, at })
const drop = (reason: number): Typed => ({ op: 'drop', reason, type: { kind: 'verdict' }, at })
const flood: Typed = { op: 'flood', type: { kind: 'verdict' }, at }

const text = (...body: TypedStatement[]): string[] => printTyped(body, ['truncated', 'looped']).split('\n')

const [x, other] = [variable(1, 'x'), variable(2, 'x', U64)]

test('a variable shows its type where it is first assigned; namesakes are numbered', () => {
  const lines = text(assign(x, constant(1n)), assign(other, constant(2n)), assign(x, use(other)))
  expect(lines).toEqual(['x: u32 = 1', 'x_2: u64 = 2', 'x = x_2'])
})

test('operators inside operators are in parentheses', () => {
  const sum = plus(plus(use(x), constant(1n)), { op: 'convert', operand: use(other), type: U32, at })
  expect(text({ op: 'evaluate', value: less(sum, constant(9n)), at })).toEqual(['((x + 1) + u32(x_2)) < 9'])
})

test('tests for null read as they are written', () => {
  const isNull: Typed = { op: 'isNull', operand: use(x), type: BOOL, at }
  const not = (operand: Typed): Typed => ({ op: 'not', operand, type: BOOL, at })
  const lines = [isNull, not(isNull), not(not(isNull))].flatMap((value) => text({ op: 'evaluate', value, at }))
  expect(lines).toEqual(['x === null', 'x !== null', '!(x !== null)'])
})

test('branches, loops and what they hold are indented', () => {
  const body: TypedStatement[] = [
    {
      op: 'if',
      test: less(use(x), constant(3n)),
      whenTrue: [{ op: 'break', out: 0, at }],
      whenFalse: [{ op: 'continue', out: 0, at }],
      at,
    },
  ]
  expect(
    text({ op: 'loop', settles: false, variable: x, from: 0n, step: 2n, times: 8, body, at }, returned(drop(1))),
  ).toEqual([
    'for (x: u32 = 0; 8 times; += 2) {',
    '  if (x < 3) {',
    '    break',
    '  } else {',
    '    continue',
    '  }',
    '}',
    'return drop(looped)',
  ])
})

test('functions stand below what calls them, once', () => {
  const half: TypedFunction = {
    name: 'half',
    parameters: [x],
    body: [returned(use(x))],
    result: U32,
    moves: false,
    changes: [],
    writes: [],
    redirects: [],
    at,
  }
  const halved = (given: Typed): Typed => ({ op: 'call', callee: half, arguments: [given], type: U32, at })
  const verdict = { kind: 'verdict' } as const
  const away: TypedFunction = {
    name: 'away',
    parameters: [],
    body: [assign(other, halved(halved(constant(8n)))), returned(flood)],
    result: verdict,
    moves: false,
    changes: [],
    writes: [],
    redirects: [],
    at,
  }
  const large: Typed = { op: 'call', callee: away, arguments: [], type: verdict, at }
  expect(text({ op: 'if', test: constant(1n, BOOL), whenTrue: [returned(large)], whenFalse: [], at })).toEqual([
    'if (true) {',
    '  return away()',
    '}',
    '',
    'function away(): Verdict {',
    '  x: u64 = half(half(8))',
    '  return flood()',
    '}',
    '',
    'function half(x_2: u32): u32 {',
    '  return x_2',
    '}',
  ])
})
