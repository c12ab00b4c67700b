import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Refusal } from '../base/diagnostic.ts'
import { cell, header, u32 } from '../lang/index.ts'
import { Catalogue } from './catalogue.ts'
import { type Drops, dataplane, defineCube, type Tables } from './define.ts'

const table = cell({ value: { packets: u32 } })
const define = (name: string, state: Tables, drops: Drops) =>
  defineCube(name, { summary: 'an example', ports: z.strictObject({}), config: z.strictObject({}), state, drops })

test("names that are a cube's own", () => {
  const { name, state, drops } = define('lan', { counter: table, gone: table }, { counters: 'a reason is no table' })
  expect([name, Object.keys(state), Object.keys(drops)]).toEqual(['lan', ['counter', 'gone'], ['counters']])
})

test.each([
  ['Lan', {}, {}, 'cube name "Lan": lower-case letters, digits and dashes, at most 31'],
  ['lan', { 'a-b': table }, {}, 'cube lan: "a-b": letters, digits and underscores, at most 31'],
  ['lan', {}, { _: 'none' }, 'cube lan: "_": letters, digits and underscores, at most 31'],
  ...['counters', 'clock', 'exits'].map(
    (name) =>
      ['lan', { [name]: table }, {}, `cube lan: every cube has \`${name}\` already: choose another name`] as const,
  ),
  ...['no_such_port', 'send_failed', 'not_connected', 'too_many_hops'].map(
    (name) =>
      ['lan', {}, { [name]: '?' }, `cube lan: every cube has \`${name}\` already: choose another name`] as const,
  ),
] as const)('%s with %j and %j is refused', (name, state, drops, message) => {
  expect(() => define(name, state, drops)).toThrow(new RangeError(message))
})

test('the refusal names the line of the schema', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-define-'))
  try {
    const cube = join(folder, 'lan')
    mkdirSync(cube)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const here = (path: string) => JSON.stringify(join(import.meta.dirname, path))
    writeFileSync(
      join(cube, 'dataplane.ts'),
      `import { defineCube } from ${here('index.ts')}\nexport default defineCube('lan', { ports: {}, config: {}, state: { exits: {} }, drops: {} })\n`,
    )
    const error: unknown = await new Catalogue(folder).find('lan', folder).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(Refusal)
    const [first] = error instanceof Refusal ? error.diagnostics : []
    expect(first?.message).toContain('every cube has `exits` already')
    expect(first?.place).toMatchObject({ line: 2, text: expect.stringContaining("defineCube('lan'") })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is no table, and fields without a type, as JavaScript may write them', () => {
  expect(() => define('lan', { stations: JSON.parse('{ "a": 1 }') }, {})).toThrow(
    'cube lan: state.stations is no table: write hash({ … }), array({ … }) or another kind',
  )
  const fields = JSON.parse('{ "port": "u16" }')
  expect(() => cell({ value: fields })).toThrow('.port has no type: take u8, mac, list(…) or another one')
  expect(() => header('Mine', fields)).toThrow('Mine.port has no type: take u8, mac, list(…) or another one')
})

test.each([
  [{ config: { limit: 5 } }, '`config` is no schema of zod: write config: z.strictObject({ … })'],
  [{ config: z.string() }, '`config` is no schema of zod'],
  [{ ports: { uplink: true } }, '`ports` is no schema of zod: write ports: z.strictObject({ … })'],
  [{ summary: undefined }, '`summary` is missing: say in a line what it is'],
  [{ drops: ['truncated'] }, "`drops` has names with what they mean: { truncated: 'shorter than its headers' }"],
])('parts that are none, as JavaScript may write them: %j', (part, message) => {
  const parts = { summary: 'an example', ports: z.strictObject({}), config: z.strictObject({}), state: {}, drops: {} }
  expect(() => defineCube('lan', { ...parts, ...(part as object) })).toThrow(`cube lan: ${message}`)
})

describe('the shape of a cube', () => {
  const parts = { summary: 'an example', config: z.strictObject({}), state: {}, drops: { odd: 'not even' } }
  const ports = z.strictObject({ uplink: z.boolean() })
  const standard = defineCube('lan', { ...parts, ports })
  const transparent = defineCube('guard', { ...parts, shape: 'transparent' })

  test('is standard unless it is said to be transparent, and has no ports then', () => {
    expect([standard.shape, Object.keys(standard.ports.shape)]).toEqual(['standard', ['uplink']])
    expect([transparent.shape, Object.keys(transparent.ports.shape)]).toEqual(['transparent', []])
  })

  test('decides what its data plane is given', () => {
    const planes = [
      dataplane(standard, (_, { port, forward, flood, pass }) =>
        port.uplink ? flood() : port.id > 5 ? pass() : forward(port.id + 1),
      ),
      dataplane(transparent, (_, { direction, next, drop }) => (direction === 'egress' ? next() : drop('odd'))),
      // @ts-expect-error: a standard cube has no next
      dataplane(standard, (_, { next }) => next()),
      // @ts-expect-error: it has no direction either
      dataplane(standard, (_, { direction, flood }) => (direction ? flood() : flood())),
      // @ts-expect-error: a transparent one has no ports
      dataplane(transparent, (_, { port, next }) => (port ? next() : next())),
      // @ts-expect-error: so it cannot forward
      dataplane(transparent, (_, { forward }) => forward(1)),
      // @ts-expect-error: nor flood
      dataplane(transparent, (_, { flood }) => flood()),
      // @ts-expect-error: packets go two ways
      dataplane(transparent, (_, { direction, next, pass }) => (direction === 'up' ? next() : pass())),
    ]
    expect(planes.map(({ cube }) => cube.shape)).toHaveLength(8)
  })

  test('goes with ports or goes without', () => {
    const given = (more: object) => JSON.parse(JSON.stringify(more)) as never
    // @ts-expect-error: it is transparent
    expect(() => defineCube('guard', { ...parts, shape: 'transparent', ports })).toThrow(
      'cube guard: a transparent cube has no ports: leave `ports` out',
    )
    // @ts-expect-error: it is not
    expect(() => defineCube('lan', parts)).toThrow(
      "cube lan: `ports` is missing: write ports: z.strictObject({ … }), or shape: 'transparent'",
    )
    expect(() => defineCube('lan', given({ ...parts, shape: 'opaque' }))).toThrow(
      "cube lan: `shape` is 'standard' or 'transparent'",
    )
    expect(() => defineCube('lan', { ...parts, ports: z.strictObject({ to: z.string() }) })).toThrow(
      'cube lan: every port has `to` already: choose another name',
    )
  })
})

test.each([
  ['transparent', `"transparent" is not known here: write shape: 'transparent'`],
  ['sumary', '"sumary" is not known here: did you mean "summary"?'],
])('%s is no part of a cube', (key, says) => {
  const parts = { summary: '', ports: z.strictObject({}), config: z.strictObject({}), state: {}, drops: {} }
  expect(() => defineCube('lan', { ...parts, [key]: true })).toThrow(says)
})
