/** What is found wrong with a cube before anybody uses it: by real processes, which take their time. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { checkCube } from './check.ts'
import { NODE, TESSERA, wayTo } from './nobody.ts'
import { ROOT, readCube } from './staging.ts'

const PATIENCE = 600_000

const home = mkdtempSync(join(tmpdir(), 'tessera-check-'))
afterAll(() => rmSync(home, { recursive: true }))

let mine = ''
beforeEach(() => {
  mine = mkdtempSync(join(home, 'one-'))
  cpSync(join(import.meta.dirname, '../../../examples/hub'), mine, { recursive: true })
  write(`test('is one', () => expect(hub.name).toBe('hub'))`)
})

/** The cube's tests. */
const write = (text: string) =>
  writeFileSync(
    join(mine, 'cube.test.ts'),
    `import { expect, test } from 'vitest'\nimport { hub } from './schema.ts'\n\n${text}\n`,
  )

function edit(name: string, from: string, to: string): void {
  const text = readFileSync(join(mine, name), 'utf8')
  expect(text).toContain(from)
  writeFileSync(join(mine, name), text.replace(from, to))
}

const refusedFor = async () => {
  try {
    return (await checkCube(readCube(mine))).name
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Why nobody can look at cubes here. */
function whyNot(): string | undefined {
  try {
    wayTo([TESSERA, NODE])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
const reason = whyNot()

describe.skipIf(reason !== undefined)(
  `a cube is looked at${reason === undefined ? '' : ` (not here: ${reason})`}`,
  () => {
    test('types, all mistakes at once', { timeout: PATIENCE }, async () => {
      edit('control.ts', 'seen }]', 'sin }]')
      edit('dataplane.ts', "drop('truncated')", "drop('truncatd')")
      const message = await refusedFor()
      expect(message).toMatch(/^control\.ts:\d+:\d+: Property 'sin' does not exist/m)
      expect(message).toMatch(/^dataplane\.ts:\d+:\d+: /m)
      expect(message).not.toContain(tmpdir())
    })

    test('what the compiler refuses', { timeout: PATIENCE }, async () => {
      edit('dataplane.ts', 'return flood()', "for (;;) if (ethernet.type === 0) return drop('ipv4')")
      const message = await refusedFor()
      expect(message).toMatch(/^dataplane\.ts:\d+:\d+: /m)
      expect(message).not.toContain(tmpdir())
    })

    test('a module that throws', { timeout: PATIENCE }, async () => {
      edit('schema.ts', 'export const', "if (Date.now() > 0) throw new Error('boom')\nexport const")
      expect(await refusedFor()).toContain('boom')
    })

    test('a cube that says another name of itself than it may have', { timeout: PATIENCE }, async () => {
      edit('schema.ts', 'export const', `console.log('tessera-cube: {"name":"../../escaped"}')\nexport const`)
      expect(await refusedFor()).toContain('the cube says of itself what nobody understands')
    })

    test('until nobody wants to know any more', { timeout: PATIENCE }, async () => {
      write(`test('takes long', () => new Promise(() => {}), 600_000)`)
      const end = new AbortController()
      const checked = checkCube(readCube(mine), end.signal)
      setTimeout(() => end.abort(), 100)
      await expect(checked).rejects.toThrow('this was given up')
      await expect(checkCube(readCube(mine), end.signal)).rejects.toThrow('this was given up')
    })

    test('tests are run, by nobody', { timeout: PATIENCE }, async () => {
      process.env.SECRET = 'x'
      const nobody = process.getuid?.() === 0 ? 65_534 : process.getuid?.()
      write(
        `test('may nothing', () => expect([process.getuid?.(), process.env.SECRET, hub.name]).toEqual([${nobody}, undefined, 'hub']))`,
      )
      expect(await refusedFor()).toBe('hub')
    })

    test('what its tests make goes, whoever has made it', { timeout: PATIENCE }, async () => {
      write(
        `import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
test('makes a folder', () => {
  const folder = join(process.env.TMPDIR ?? '', 'one')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), folder)
  mkdirSync(join(folder, 'closed'), { mode: 0 })
  throw new Error('made ' + folder + ';')
})`,
      )
      const message = await refusedFor()
      const made = /made ([^;]+);/.exec(message)?.[1] ?? ''
      expect(made).toMatch(/tessera-cube-.*\/one$/)
      expect(existsSync(join(made, '../..'))).toBe(false)
    })

    test('takes nothing that is only there where Tessera itself is developed', () => {
      const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
      const sources = ['bin/test-cube.js', 'src/daemon/cubes/test-process.ts', 'src/daemon/cubes/test-kit.ts']
      const imported = sources.flatMap((path) => [
        ...readFileSync(join(ROOT, path), 'utf8').matchAll(/ from '((?:@[\w-]+\/)?[\w-]+)(?:\/[\w/]+)?'$/gm),
      ])
      const packages = new Set(imported.map(([, name]) => name))
      expect([...packages].sort()).toEqual(['@vitest/expect', '@vitest/runner', '@vitest/spy', 'tsx'])
      expect(Object.keys(dependencies)).toEqual(expect.arrayContaining([...packages, 'typescript', 'zod']))
    })

    test('tests that fail, or are not there', { timeout: PATIENCE }, async () => {
      write(`test('counts', () => expect(hub.name).toBe('bridge'))`)
      expect(await refusedFor()).toContain('the tests of the cube fail')
      rmSync(join(mine, 'cube.test.ts'))
      expect(await refusedFor()).toContain('the cube has no tests')
    })
  },
)
