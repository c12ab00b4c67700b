import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, test } from 'vitest'

/**
 * Which folders of src/ a folder may import. Nothing here may form a cycle, so every arrow points one way.
 * Tests may also import testing/, which may import everything but cli/.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  importing: ['base'],
  isa: ['base'],
  pcap: ['base'],
  filter: ['lang', 'isa', 'base'],
  lang: ['isa', 'base'],
  cube: ['importing', 'lang', 'isa', 'base'],
  cubes: ['cube', 'lang', 'base'],
  api: ['cube', 'lang', 'base'],
  compiler: ['importing', 'filter', 'lang', 'isa', 'base'],
  store: ['base'],
  backend: ['isa', 'base'],
  vm: ['backend', 'lang', 'isa', 'base'],
  kernel: ['filter', 'backend', 'isa', 'base'],
  engine: ['cube', 'importing', 'compiler', 'backend', 'lang', 'isa', 'base'],
  daemon: [
    'api',
    'store',
    'pcap',
    'filter',
    'engine',
    'cube',
    'compiler',
    'vm',
    'kernel',
    'backend',
    'lang',
    'isa',
    'base',
  ],
  testing: ['daemon', 'api', 'store', 'engine', 'cube', 'compiler', 'vm', 'kernel', 'backend', 'lang', 'isa', 'base'],
  cli: ['daemon', 'api', 'pcap', 'filter', 'engine', 'cube', 'compiler', 'vm', 'backend', 'isa', 'base'],
}

/** The same within a folder whose parts are folders. What lies beside these may import all of them, and is imported by none. */
const WITHIN: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  engine: {
    graph: [],
    read: ['graph'],
    stitch: ['graph'],
    control: ['stitch', 'graph'],
    plan: ['control', 'stitch', 'graph'],
    apply: ['plan', 'stitch', 'graph'],
    look: ['plan', 'control', 'graph'],
  },
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

test.each(Object.entries(WITHIN))('no import points up within %s/', (folder, parts) => {
  const partOf = (path: string): string => path.split(sep)[1] ?? ''
  const found = new Set<string>()
  const wrong = imports.flatMap(({ file, target }) => {
    const to = relative(src, resolve(src, dirname(file), target))
    const [from, part] = [partOf(file), partOf(to)]
    if (unitOf(file) !== folder || from.endsWith('.ts')) return []
    found.add(from)
    if (unitOf(to) !== folder || from === part || /\.test\.ts$/.test(file)) return []
    return parts[from]?.includes(part) ? [] : [`src/${file} imports ${target}: ${from} → ${part}`]
  })
  expect(wrong).toEqual([])
  expect([...found].sort()).toEqual(Object.keys(parts).sort())
})

test.each([['src', MAY_IMPORT], ...Object.entries(WITHIN)] as const)(
  'the allowed arrows form no cycle in %s/',
  (_, all) => {
    const finished = new Set<string>()
    const visit = (folder: string, path: readonly string[]): void => {
      expect(path, 'a cycle').not.toContain(folder)
      if (finished.has(folder)) return
      for (const next of all[folder] ?? []) visit(next, [...path, folder])
      finished.add(folder)
    }
    for (const folder of Object.keys(all)) visit(folder, [])
  },
)

test('the table of the README has each folder below all that it may import', () => {
  const readme = readFileSync(join(src, '../README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| (`\w+\/`(?:, `\w+\/`)*) \|/gm)].map(
    ([, folders = '']): readonly string[] => folders.match(/\w+/g) ?? [],
  )
  expect(rows.flat().sort()).toEqual(Object.keys(MAY_IMPORT).sort())
  const rowOf = (folder: string): number => rows.findIndex((row) => row.includes(folder))
  const wrong = Object.entries(MAY_IMPORT).flatMap(([folder, allowed]) =>
    allowed.filter((one) => rowOf(one) > rowOf(folder)).map((one) => `${one}/ is below ${folder}/`),
  )
  expect(wrong).toEqual([])
})

/** What runs in a browser, too. */
const ANYWHERE = ['base', 'isa', 'pcap', 'filter', 'lang', 'backend', 'vm', 'compiler']
/** The stage that calls the parser, and the parser. */
const READS_FILES: ReadonlySet<string> = new Set(['compiler/modules.ts', 'compiler/parse.ts'])
/** Packages that need nothing of Node.js. */
const PORTABLE: ReadonlySet<string> = new Set([])
/** What only Node.js has, where it is used as a value. */
const NODE_ONLY =
  /(?<![\w.#$])(?:process\s*[.[]|Buffer\s*[.(]|require\s*\(|setImmediate\s*\(|__dirname|__filename|import\.meta\.(?:dirname|filename))/

describe('without Node.js', () => {
  const isPart = (file: string) =>
    ANYWHERE.includes(unitOf(file)) &&
    !/\.test\.ts$|^compiler\/cases\/|^backend\/suite/.test(file) &&
    !READS_FILES.has(file)
  /** These, and all that they import, directly or not; but not what the stage that calls the parser imports. */
  const reached = new Map<string, readonly string[]>()
  const visit = (file: string, path: readonly string[]): void => {
    if (reached.has(file) || READS_FILES.has(file)) return
    reached.set(file, path)
    for (const { target } of imports.filter((one) => one.file === file && one.target.startsWith('.')))
      visit(relative(src, resolve(src, dirname(file), target)), [...path, file])
  }
  for (const file of files.filter(isPart)) visit(file, [])

  test('there are files to judge', () => expect(reached.size).toBeGreaterThan(100))

  test('no import is of Node.js, or of a package that may be', () => {
    const wrong = imports.filter(
      ({ file, target }) => reached.has(file) && /^[@\w]/.test(target) && !PORTABLE.has(target),
    )
    const text = wrong.map(({ file, target }) => [...(reached.get(file) ?? []), file, target].join(' → '))
    expect(text).toEqual([])
  })

  test('nothing that only Node.js has is used', () => {
    const wrong = [...reached.keys()].flatMap((file) => {
      const code = readFileSync(join(src, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      const found = NODE_ONLY.exec(code)
      return found === null ? [] : [`${file}: ${found[0]}`]
    })
    expect(wrong).toEqual([])
  })

  test('only the stage that calls the parser reads files', () => {
    const targets = (file: string) => imports.filter((one) => one.file === file).map(({ target }) => target)
    for (const file of READS_FILES) expect(targets(file).some((target) => !target.startsWith('.'))).toBe(true)
    expect(targets('compiler/modules.ts')).toContain('./parse.ts')
  })
})
