// Bundles src/ into a folder of the cache, and says which files went into it.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, stop } from 'esbuild'
import { stampOf } from './fresh.js'
import { VERBS } from './script.js'

/** The ways in of threads and of other processes, and what is measured by itself; that of commands is in scripts. */
const ENTRIES = [
  'src/daemon/control-thread.ts',
  'src/daemon/cubes/check-process.ts',
  'src/compiler/compile.ts',
  'src/compiler/modules.ts',
]
/** What cubes import, and the compiler looks at: each module by itself, by the path of its source. */
const SHARED = ['src/base', 'src/isa', 'src/lang', 'src/cube']
const CUBES = 'src/cubes'
/** Packages that come along, with what they ask for: many small files. All others are imported from where they are. */
const BUNDLED = ['commander', 'js-yaml', 'yaml', 'zod', 'fastify', '@fastify/rate-limit', 'pino', 'prom-client']
/** What modules ask `import.meta` for. */
const PLACES = ['dirname', 'filename', 'url']
/** Milliseconds after which a bundle that nobody has touched, and that is not the current one, is nobody's any more: see load.js. */
const OLD = 24 * 60 * 60 * 1000

/** The folder it made. Whoever runs meanwhile sees the one before, whole. */
export async function bundle(root, cache) {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'bundle-'))
  chmodSync(folder, 0o755)
  try {
    const list = (name, inputs) =>
      writeFileSync(join(folder, name), JSON.stringify({ root, folder: basename(folder), inputs }))
    list('manifest.json', await compiled(root, folder))
    list('client.json', await script(root, folder, 'client', [clientAlone(root)]))
    list('main.json', await script(root, folder, 'main', []))
    const link = join(cache, `link-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`)
    symlinkSync(basename(folder), link)
    handOver(root, [join(root, 'node_modules'), dirname(cache), cache, folder, ...listed(folder)])
    renameSync(link, join(cache, 'current'))
    removeOld(cache, folder)
    return folder
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  } finally {
    // Its process would stay, and be asked every second whether it is there.
    await stop()
  }
}

/** What npm writes whenever it changes packages, whose files are too many to be looked at each time. */
const PACKAGES = 'node_modules/.package-lock.json'

/** Stamps of files, by their paths from `root`. */
function stamps(root) {
  const touched = { [PACKAGES]: stampOf(join(root, PACKAGES)) }
  const stamp = (path) => {
    const name = relative(root, path)
    if (!name.startsWith('node_modules/')) touched[name] ??= stampOf(path)
  }
  return { touched, stamp }
}

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  sourcemap: 'external',
  sourcesContent: false,
  metafile: true,
  logLevel: 'silent',
  tsconfigRaw: { compilerOptions: { target: 'es2023', verbatimModuleSyntax: true } },
  define: Object.fromEntries(PLACES.map((name) => [`import.meta.${name}`, `$${name}`])),
}

/** A function that gives what src/cli/main.ts exports: see script.js. */
async function script(root, folder, name, plugins) {
  const { touched, stamp } = stamps(root)
  const folders = plugins.length === 0 ? foldersOfCubes(root) : []
  for (const path of [...folders, join(root, 'package.json'), ...listed(join(root, 'bin'))]) stamp(path)
  const { metafile } = await build({
    ...OPTIONS,
    absWorkingDir: root,
    entryPoints: [join(root, 'src/cli/main.ts')],
    outfile: join(folder, `${name}.js`),
    format: 'cjs',
    // Its text stays in memory.
    minifyWhitespace: true,
    supported: { 'dynamic-import': false },
    banner: { js: '(function (exports, require, $import, $here, __filename, __dirname) { const module = { exports };' },
    footer: { js: 'Object.assign(exports, module.exports) })' },
    plugins: [...plugins, modules(root, folders, stamp)],
  })
  for (const path of Object.keys(metafile.inputs)) if (!path.includes(':')) stamp(join(root, path))
  return touched
}

/** Other actions are for the script of all. */
const clientAlone = (root) => ({
  name: 'client',
  setup({ onResolve }) {
    const actions = new Set(Object.values(VERBS).map((name = '') => join(root, `src/cli/actions/${name}.ts`)))
    onResolve({ filter: /\/actions\// }, ({ path, resolveDir, kind }) =>
      kind === 'dynamic-import' && !actions.has(join(resolveDir, path)) ? { path, external: true } : undefined,
    )
  },
})

async function compiled(root, folder) {
  const { touched, stamp } = stamps(root)
  const folders = foldersOfCubes(root)
  for (const path of [...folders, join(root, 'package.json'), ...listed(join(root, 'bin'))]) stamp(path)
  const { metafile } = await build({
    ...OPTIONS,
    absWorkingDir: root,
    entryPoints: Object.fromEntries(ENTRIES.map((path) => [path, join(root, path)])),
    outdir: folder,
    splitting: true,
    format: 'esm',
    chunkNames: 'chunk-[hash]',
    // What is CommonJS among the packages asks for modules of Node.js; import.js asks where the bundle is.
    banner: {
      js: "import { createRequire as $require } from 'node:module'; const $here = import.meta.url, require = $require($here), $import = (name) => import(name);",
    },
    plugins: [modules(root, folders, stamp)],
  })
  for (const path of Object.keys(metafile.inputs)) if (!path.includes(':')) stamp(join(root, path))
  return touched
}

/** Whose files cubes can import, those of the cubes included. */
function foldersOfCubes(root) {
  const cubes = readdirSync(join(root, CUBES), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return [...SHARED, CUBES, ...cubes.map(({ name }) => `${CUBES}/${name}`)].map((name) => join(root, name))
}

/** Sources know where they are; modules that cubes import are found by their paths. */
const modules = (root, folders, stamp) => ({
  name: 'tessera',
  setup({ onResolve, onLoad }) {
    const isOurs = (importer) =>
      importer === 'own' || ['src', 'bin'].some((name) => importer.startsWith(join(root, name)))
    onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      if (kind === 'entry-point' || !isOurs(importer)) return undefined
      if (path === 'tessera:own') return { path: 'own', namespace: 'tessera' }
      const isBundled = BUNDLED.some((name) => path === name || path.startsWith(`${name}/`))
      return isBundled ? undefined : { path, external: true }
    })
    onResolve({ filter: /\/import\.ts$/ }, ({ path, resolveDir }) =>
      join(resolveDir, path) === join(root, 'src/base/import.ts') ? { path: join(root, 'bin/import.js') } : undefined,
    )
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      stamp(path)
      const here = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href }
      const text = readFileSync(path, 'utf8')
      const said = PLACES.filter((name) => text.includes(`import.meta.${name}`))
      const places = said.map((name) => `const $${name} = ${JSON.stringify(here[name])}; `)
      return { loader: 'ts', contents: places.join('') + text }
    })
    onLoad({ filter: /^own$/, namespace: 'tessera' }, () => ({ contents: own(root, folders), resolveDir: root }))
  },
})

/** A module that has all that cubes can import, by path; the cubes themselves as they are asked for. */
function own(root, folders) {
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  )
  const zod = join(root, 'node_modules/zod/index.js')
  const paths = [...files, ...(existsSync(zod) ? [zod] : [])]
  const isCube = (path) => path.startsWith(join(root, CUBES))
  const text = JSON.stringify
  return [
    ...paths.flatMap((path, index) => (isCube(path) ? [] : [`import * as m${index} from ${text(path)}`])),
    `export const root = ${text(root)}`,
    'export const own = {',
    ...paths.map(
      (path, index) => `${text(path)}: ${isCube(path) ? `() => import(${text(path)})` : `() => m${index}`},`,
    ),
    '}',
    `export const shared = [${paths.flatMap((path) => (isCube(path) ? [] : [text(path)]))}]`,
  ].join('\n')
}

const listed = (folder) => readdirSync(folder, { recursive: true }).map((name) => join(folder, name))

/** What root makes in the clone of a user is the user's. */
function handOver(root, paths) {
  const { uid, gid } = statSync(root)
  if (process.getuid?.() !== 0 || uid === 0) return
  for (const path of paths) chownSync(path, uid, gid)
}

function removeOld(cache, current) {
  for (const path of readdirSync(cache).map((name) => join(cache, name))) {
    const found = statSync(path, { throwIfNoEntry: false })
    if (path === current || basename(path) === 'current' || found === undefined) continue
    if (Date.now() - found.mtimeMs > OLD) rmSync(path, { recursive: true, force: true })
  }
}
