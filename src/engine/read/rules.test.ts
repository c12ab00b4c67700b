/** Cubes whose schemas have functions of somebody's own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { builtinCubes } from '../../testing/index.ts'
import { readGraph } from './read.ts'

const folder = mkdtempSync(join(tmpdir(), 'tessera-rules-'))
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
afterAll(() => rmSync(folder, { recursive: true }))

const KIT = JSON.stringify(resolve(import.meta.dirname, '../../cube/index.ts'))

/** What is said of a graph with a cube of which a port and a setting have these types. */
async function said(name: string, { port = 'z.number()', setting = 'z.number()' }): Promise<unknown> {
  const cube = join(folder, name)
  mkdirSync(cube)
  writeFileSync(
    join(cube, 'schema.ts'),
    `import { z } from 'zod'
import { defineCube } from ${KIT}
export default defineCube('ruled', {
  summary: 'an example', state: {}, drops: { all: 'all' },
  ports: z.strictObject({ port: ${port} }),
  config: z.strictObject({ setting: ${setting} }),
})
`,
  )
  writeFileSync(
    join(cube, 'dataplane.ts'),
    `import { dataplane } from ${KIT}
import ruled from './schema.ts'
export default dataplane(ruled, (packet, { drop }) => drop('all'))
`,
  )
  const text = `graph: lan
instances:
  s: { cube: ${cube}, config: { setting: 1 }, ports: { a: { interface: va, port: 1 } } }
`
  try {
    return (await readGraph('lan.yaml', text, builtinCubes())).graph.instances.map(({ config }) => config)
  } catch (error) {
    return String(error).replaceAll(folder, '')
  }
}

test('their rules are asked', async () => {
  const setting = "z.number().refine((one) => one > 1, { message: 'too few' }).transform((one) => 2 * one)"
  expect(await said('few', { setting })).toContain('setting: too few')
  expect(await said('enough', { setting: 'z.number().transform((one) => 2 * one)' })).toEqual([{ setting: 2 }])
})

test.each(['port', 'setting'] as const)('one of a %s that throws is refused at its line', async (what) => {
  const text = String(await said(`throws-${what}`, { [what]: "z.number().refine(() => { throw new Error('no') })" }))
  expect(text).toContain('a refinement, transform or default throws: no')
  expect(text).toContain(`/throws-${what}/schema.ts:${what === 'port' ? 5 : 6}:`)
})

test('one that is asynchronous is refused', async () => {
  const text = await said('waits', { setting: 'z.number().refine(async () => true)' })
  expect(text).toMatch(/throws: .*Promise/)
  expect(text).toContain('nothing there can be waited for')
})

test('one that does not come to an end holds up nobody for ever, and its schema is named', async () => {
  const text = await said('spins', { port: 'z.number().refine(() => { for (;;) Math.random() })' })
  expect(text).toContain('a refinement, transform or default of /spins/schema.ts: it did not come to an end in 3000 ms')
})
