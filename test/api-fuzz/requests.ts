/** Requests of all operations of a description: those that it allows, and others. */
import fc from 'fast-check'
import { deep, mutated, NASTY, type Schema, type Schemas, valid } from './values.ts'

export interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[]
  readonly body: { readonly type: string; readonly schema: Schema } | undefined
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

export interface Asked {
  readonly operation: Operation
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

interface Described {
  readonly operationId: string
  readonly parameters: Operation['parameters']
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Operation['responses']
}

export function operationsOf(description: Readonly<Record<string, unknown>>): readonly Operation[] {
  const paths = description.paths as Readonly<Record<string, Readonly<Record<string, Described>>>>
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters, requestBody, responses }]) => {
      const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? []
      const body = type === undefined || content === undefined ? undefined : { type, schema: content.schema }
      return { id: operationId, method: method.toUpperCase(), path, parameters, body, responses }
    }),
  )
}

/** Names and values that mean something where the requests go. */
export interface Known {
  readonly parameters: Readonly<Record<string, readonly string[]>>
  readonly members: Readonly<Record<string, readonly unknown[]>>
  /** Whole bodies, by operation. */
  readonly bodies: Readonly<Record<string, readonly unknown[]>>
}

export function requests(operation: Operation, schemas: Schemas, known: Known): fc.Arbitrary<Asked> {
  const text = (name: string, schema: Schema): fc.Arbitrary<string> => {
    const own = known.parameters[name] ?? []
    const made = valid(schema, schemas, {}).map((value) => String(value))
    return fc.oneof(
      ...(own.length === 0 ? [] : [{ weight: 8, arbitrary: fc.constantFrom(...own) }]),
      { weight: 2, arbitrary: made },
      { weight: 1, arbitrary: fc.constantFrom(...NASTY) },
    )
  }
  const named = (where: string) => operation.parameters.filter((one) => one.in === where)
  const path = fc.record(Object.fromEntries(named('path').map(({ name, schema }) => [name, text(name, schema)])))
  const query = fc.record(Object.fromEntries(named('query').map(({ name, schema }) => [name, text(name, schema)])), {
    requiredKeys: [],
  })
  const other = fc.oneof(
    { weight: 15, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constant({ more: '1' }) },
  )
  return fc
    .record({ path, query, other, headers: headersOf(operation), body: bodyOf(operation, schemas, known) })
    .map(({ path, query, other, headers, body }) => {
      const filled = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encoded(path[name] ?? ''))
      const asked = Object.entries({ ...query, ...other }).map(([name, value]) => `${name}=${encoded(value)}`)
      return {
        operation,
        method: operation.method,
        path: asked.length === 0 ? filled : `${filled}?${asked.join('&')}`,
        headers: { ...body.headers, ...headers },
        body: body.body,
      }
    })
}

/** Half of a character has no encoding: it is sent as bytes that are none. */
function encoded(text: string): string {
  return /^\p{Surrogate}$/u.test(text) ? '%ed%a0%80' : encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, ''))
}

function headersOf({ responses }: Operation): fc.Arbitrary<Readonly<Record<string, string>>> {
  const known: Record<string, fc.Arbitrary<string>> = {
    accept: fc.constantFrom('*/*', 'application/json', 'text/html', 'application/*;q=0', ',;,'),
  }
  if ('412' in responses) {
    known['if-match'] = fc.constantFrom('*', '"1"', '"2"', '"none"', 'W/"1"', '"1", "2"', '', '""')
    known['if-none-match'] = fc.constantFrom('*', '"1"', 'x')
  }
  const seldom = fc.record(known, { requiredKeys: [] }) as fc.Arbitrary<Readonly<Record<string, string>>>
  const last = fc.record({ 'last-event-id': fc.constantFrom('x', '1-1', '') })
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: seldom },
    { weight: 1, arbitrary: last },
  )
}

interface Body {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

const TYPES = [
  'text/plain',
  'application/yaml',
  'application/json; charset=utf-16',
  'multipart/form-data; boundary=x',
  'x',
  '',
]

function bodyOf({ id, body }: Operation, schemas: Schemas, known: Known): fc.Arbitrary<Body> {
  const none: fc.Arbitrary<Body> = fc.constant({ headers: {}, body: undefined })
  if (body === undefined)
    return fc.oneof(
      { weight: 9, arbitrary: none },
      { weight: 1, arbitrary: fc.constant({ headers: { 'content-type': 'application/json' }, body: '{"a":1}' }) },
    )
  const own = known.bodies[id] ?? []
  const value = fc.oneof(...(own.length === 0 ? [] : [{ weight: 3, arbitrary: fc.constantFrom(...own) }]), {
    weight: 2,
    arbitrary: valid(body.schema, schemas, known.members),
  })
  const sent = (text: string | Uint8Array, headers: Record<string, string> = { 'content-type': body.type }): Body => ({
    headers,
    body: text,
  })
  return fc.oneof(
    { weight: 6, arbitrary: value.map((one) => sent(JSON.stringify(one))) },
    { weight: 4, arbitrary: value.chain(mutated).map((one) => sent(JSON.stringify(one))) },
    {
      weight: 2,
      arbitrary: fc.tuple(value, fc.nat(200)).map(([one, at]) => sent(JSON.stringify(one).slice(0, at))),
    },
    {
      weight: 1,
      arbitrary: value.map((one) => sent(JSON.stringify(one).replace('{', '{"graph":"twice","graph":"twice",'))),
    },
    { weight: 1, arbitrary: fc.constantFrom(40, 100, 5_000).map((levels) => sent(deep(levels))) },
    { weight: 1, arbitrary: fc.constant(sent(JSON.stringify({ graph: 'x'.repeat(100_000) }))) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1 }).map((bytes) => sent(bytes)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(value, fc.constantFrom(...TYPES))
        .map(([one, type]) => sent(JSON.stringify(one), { 'content-type': type })),
    },
    {
      weight: 1,
      arbitrary: value.map((one) =>
        sent(JSON.stringify(one), { 'content-type': body.type, 'content-encoding': 'gzip' }),
      ),
    },
    { weight: 1, arbitrary: none },
  )
}
