import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { expect, test } from 'vitest'

/**
 * Which folders of src/ a folder may import. Nothing here may form a cycle, so every arrow points one way.
 * Tests may also import testing/, which may import everything but cli/.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  isa: ['base'],
  pcap: ['base'],
  lang: ['isa', 'base'],
  cube: ['lang', 'isa', 'base'],
  cubes: ['cube', 'lang', 'base'],
  compiler: ['lang', 'isa', 'base'],
  backend: ['isa', 'base'],
  vm: ['backend', 'lang', 'isa', 'base'],
  kernel: ['backend', 'isa', 'base'],
  engine: ['cube', 'compiler', 'backend', 'lang', 'isa', 'base'],
  daemon: ['pcap', 'engine', 'cube', 'compiler', 'vm', 'kernel', 'backend', 'lang', 'isa', 'base'],
  testing: ['daemon', 'engine', 'cube', 'compiler', 'vm', 'kernel', 'backend', 'lang', 'isa', 'base'],
  cli: ['daemon', 'engine', 'cube', 'compiler', 'vm', 'backend', 'isa', 'base'],
}

const src = resolve(import.meta.dirname, '../src')

/** Every import, re-export, dynamic import with a literal, and `import type`, as the text between the quotes. */
const IMPORT = /\b(?:from|import)\s*\(?\s*(['"])(?<target>[^'"\n]+)\1/g

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file))

const imports = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(IMPORT)].map((match) => ({ file, target: match.groups?.target ?? '' }))
})

/** The unit that arrows connect: a folder of src/, and each cube by itself. */
function unitOf(path: string): string {
  const [folder = '', cube = ''] = path.split(sep)
  return folder === 'cubes' ? `cubes/${cube}` : folder
}

test('src/ has files and imports to judge', () => {
  expect(files.length).toBeGreaterThan(10)
  expect(imports.length).toBeGreaterThan(10)
})

test('every folder of src/ has its arrows written down, and only those', () => {
  const folders = new Set(files.map((file) => unitOf(file).split('/')[0]))
  expect([...folders].sort()).toEqual(Object.keys(MAY_IMPORT).sort())
})

test('no import points up', () => {
  const wrong = imports.flatMap(({ file, target }) => {
    if (!target.startsWith('.')) return []
    const from = unitOf(file)
    const to = unitOf(relative(src, resolve(src, dirname(file), target)))
    if (from === to) return []
    const folder = from.split('/')[0] ?? ''
    const allowed = MAY_IMPORT[folder] ?? []
    const inTest = /\.test\.ts$/.test(file) && to === 'testing'
    return inTest || allowed.includes(to.split('/')[0] ?? '') ? [] : [`src/${file} imports ${target}: ${from} → ${to}`]
  })
  expect(wrong).toEqual([])
})

test('the allowed arrows form no cycle', () => {
  const finished = new Set<string>()
  const visit = (folder: string, path: readonly string[]): void => {
    expect(path, 'a cycle').not.toContain(folder)
    if (finished.has(folder)) return
    for (const next of MAY_IMPORT[folder] ?? []) visit(next, [...path, folder])
    finished.add(folder)
  }
  for (const folder of Object.keys(MAY_IMPORT)) visit(folder, [])
})
