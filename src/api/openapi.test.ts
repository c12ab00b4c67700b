import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { describeApi } from './openapi.ts'
import { endpoint, type OperationId } from './operations.ts'
import { ROUTES } from './routes.ts'

const described = describeApi('1.2.3')

test('the description is OpenAPI 3.1', async () => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(described))
  expect(errors ?? []).toEqual([])
  expect([valid, validator.version]).toEqual([true, '3.1'])
})

test('every operation is described, where it is', () => {
  const paths = described.paths as Record<string, Record<string, { operationId: string }>>
  const ids = Object.entries(ROUTES).map(([id, { method, path }]) => [
    id,
    paths[path]?.[method.toLowerCase()]?.operationId,
  ])
  expect(ids.length).toBeGreaterThan(40)
  for (const [id, found] of ids) expect(found).toBe(id)
})

test('a route is where its operation is', () => {
  for (const [id, { method, path }] of Object.entries(ROUTES))
    expect(endpoint(id as OperationId)).toEqual({ method, path })
})

test('every reference leads to a schema', () => {
  const { schemas } = described.components as { schemas: Record<string, unknown> }
  const references = [...JSON.stringify(described).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target = '']) => target)
  expect(references.length).toBeGreaterThan(20)
  for (const target of references) expect(Object.keys(schemas)).toContain(target.replace('#/components/schemas/', ''))
  for (const schema of Object.values(schemas)) expect(schema).not.toHaveProperty('$ref')
})

test('no name in a request means two things', () => {
  for (const { params, query } of Object.values(ROUTES) as readonly {
    params?: { shape: object }
    query?: { shape: object }
  }[]) {
    const names = [...Object.keys(params?.shape ?? {}), ...Object.keys(query?.shape ?? {}), 'body']
    expect(new Set(names).size).toBe(names.length)
  }
})

/** The modules that are loaded with one: what is imported as a type is not. */
function loaded(file: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(file)) return known
  known.add(file)
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export) (?!type )[^'"]*?from '([^']+)'/gm,
  ))
    if (target.startsWith('.')) loaded(resolve(dirname(file), target), known)
    else known.add(target)
  return known
}

test('a client loads no schemas and no packages', () => {
  const client = join(import.meta.dirname, 'client.ts')
  expect([...loaded(client)].filter((one) => !one.startsWith('/') && !one.startsWith('node:'))).toEqual([])
  expect([...loaded(join(import.meta.dirname, 'routes.ts'))]).toContain('zod')
})
