/**
 * A data plane's module and those it imports: their texts, parsed, and their live values. The *module* is imported, so
 * schemas, headers and constants are real values; its *text* is parsed, for the bodies of functions.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { urlAnew } from '../importing/anew.ts'
import { mustBeShort } from '../importing/size.ts'
import { shown } from '../importing/stack.ts'
import { watchedImport } from '../importing/watched.ts'
import type { SourceText } from './check/report.ts'
import type { FunctionSyntax } from './narrow/narrow.ts'
import type { Annotation } from './narrow/tree.ts'
import { annotationOfType, fieldsOf } from './narrow/type.ts'
import type * as es from './parse.ts'
import { parse } from './parse.ts'

export interface Module extends SourceText {
  readonly path: string
  /** Functions declared at the top, by local name. */
  readonly functions: ReadonlyMap<string, FunctionSyntax>
  /** Other constants declared at the top. */
  readonly constants: ReadonlyMap<string, es.Expression | es.Enum>
  /** Types declared at the top, those without parameters of their own. */
  readonly types: ReadonlyMap<string, Annotation>
  /** Local name → where it comes from. */
  readonly imports: ReadonlyMap<string, Origin>
  /** Names at the top that a data plane cannot use, and what to do instead. */
  readonly unusable: ReadonlyMap<string, string>
  /** Exported name → local name, or where it comes from. */
  readonly exports: ReadonlyMap<string, string | Origin>
  /** `export * from`: paths. */
  readonly stars: readonly string[]
  /** What `import()` of it gives. */
  readonly values: Readonly<Record<string, unknown>>
  /** The expression after `export default`. */
  readonly default: es.Expression | undefined
}

/** A name of another module. */
interface Origin {
  readonly path: string
  readonly name: string
}

export type Modules = ReadonlyMap<string, Module>

/** What a name at the top of a module stands for. */
export type Resolved =
  | { readonly kind: 'function'; readonly module: Module; readonly name: string; readonly syntax: FunctionSyntax }
  | { readonly kind: 'constant'; readonly module: Module; readonly syntax: es.Expression | es.Enum }
  | { readonly kind: 'value'; readonly value: unknown }

/**
 * Reads a module and all TypeScript modules that it imports, directly or not. A Refusal where one cannot be parsed. With `anew`,
 * their values are those of modules that were imported so.
 */
export async function loadModules(path: string, anew?: string): Promise<Modules> {
  const modules = new Map<string, Module>()
  const waiting = [path]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (modules.has(next)) continue
    const module = await loadModule(next, anew)
    modules.set(next, module)
    for (const origin of [...module.imports.values(), ...module.exports.values()])
      if (typeof origin !== 'string') waiting.push(origin.path)
    waiting.push(...module.stars)
  }
  return modules
}

const cache = new Map<string, Module & { readonly anew?: string | undefined }>()

/** How often each has been imported. Node.js remembers what became of a URL, of a failure too. */
const imported = new Map<string, number>()

/** All paths of Tessera's own files begin with this. */
export const OWN = join(import.meta.dirname, '..') + sep
/** Those of `tessera/lang` whose functions are words of schemas: what a data plane never calls. */
const DECLARING = ['types', 'maps'].map((name) => join(OWN, 'lang', `${name}.ts`))
export const declares = ({ path }: Module): boolean => DECLARING.includes(path)

const OWN_CUBES = `${OWN}cubes${sep}`
/** What Tessera itself is made of runs already, and stays as it is. Cubes are read again, wherever they are. */
const isLibrary = (path: string): boolean => path.startsWith(OWN) && !path.startsWith(OWN_CUBES)

async function loadModule(path: string, anew: string | undefined): Promise<Module> {
  const own = isLibrary(path)
  const library = own ? cache.get(path) : undefined
  if (library !== undefined) return library
  const text = readText(path)
  const known = cache.get(path)
  if (known?.text === text && known.anew === anew && isAsFound(path)) return known
  found.delete(path)
  // Parsed before it is imported: a mistake in the syntax has a place here.
  const parsed = parseModule(path, text, {})
  const plain = own || anew === undefined ? pathToFileURL(path).href : urlAnew(path, anew)
  const before = imported.get(plain) ?? 0
  const url = plain + (before === 0 ? '' : `${plain.includes('?') ? '&' : '?'}${before}`)
  try {
    const module = { ...parsed, values: await valuesOf(url, parsed.file), anew }
    cache.set(path, module)
    return module
  } finally {
    // Not before: who loads it meanwhile has the same module.
    imported.set(plain, before + 1)
  }
}

/** A module from its text and its live values. A Refusal where it cannot be parsed. */
export function parseModule(path: string, text: string, values: Module['values']): Module {
  const file = shown(path)
  const { tree, errors } = parse(file, text)
  if (errors.length > 0) throw new Refusal(errors)
  return { path, file, text, values, ...declarations(path, tree) }
}

function readText(path: string): string {
  mustBeShort(path)
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw refusal(`${shown(path)} cannot be read: ${reasonOf(error)}`, 'is the import spelled right?')
  }
}

async function valuesOf(url: string, file: string): Promise<Module['values']> {
  try {
    return await watchedImport(url)
  } catch (error) {
    throw refusal(`${file} cannot be imported: ${reasonOf(error)}`, undefined, undefined, error)
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function declarations(path: string, tree: es.ModuleNode) {
  const functions = new Map<string, FunctionSyntax>()
  const constants = new Map<string, es.Expression | es.Enum>()
  const types = new Map<string, Annotation>()
  const imports = new Map<string, Origin>()
  const unusable = new Map<string, string>()
  const exports = new Map<string, string | Origin>()
  const stars: string[] = []
  let main: es.Expression | undefined

  const declare = (node: unknown, exported: boolean): void => {
    const statement = node as es.Statement
    if (statement.type === 'FunctionDeclaration' && statement.id) {
      functions.set(statement.id.name, statement)
      if (exported) exports.set(statement.id.name, statement.id.name)
    }
    if (statement.type === 'TSEnumDeclaration') {
      constants.set(statement.id.name, statement)
      if (exported) exports.set(statement.id.name, statement.id.name)
    }
    if (statement.type === 'TSTypeAliasDeclaration' || statement.type === 'TSInterfaceDeclaration') {
      const { id, typeParameters, start, end } = statement
      const annotation =
        statement.type === 'TSTypeAliasDeclaration'
          ? annotationOfType(statement.typeAnnotation)
          : { name: '…', span: { start, end }, fields: fieldsOf(statement.body.body) }
      if (annotation !== undefined && !typeParameters) types.set(id.name, annotation)
      if (exported) exports.set(id.name, id.name)
    }
    if (statement.type !== 'VariableDeclaration') return
    for (const { id, init } of statement.declarations) {
      if (statement.kind !== 'const') {
        if (id.type === 'Identifier') unusable.set(id.name, LATER_PACKETS)
        continue
      }
      if (id.type !== 'Identifier' || !init) continue
      if (init.type === 'ArrowFunctionExpression' || init.type === 'FunctionExpression') functions.set(id.name, init)
      else constants.set(id.name, init)
      if (exported) exports.set(id.name, id.name)
    }
  }

  for (const node of tree.body) {
    if (node.type === 'ImportDeclaration') {
      const from = resolveSpecifier(path, node.source.value)
      for (const specifier of node.specifiers) {
        if (specifier.type === 'ImportNamespaceSpecifier')
          unusable.set(
            specifier.local.name,
            `import what you need of it by name: import { … } from '${node.source.value}'`,
          )
        else if (from === undefined)
          unusable.set(
            specifier.local.name,
            `${node.source.value} does not run in a kernel: use it in the schema or the control plane`,
          )
        if (specifier.type === 'ImportNamespaceSpecifier' || from === undefined) continue
        const name = specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : 'default'
        imports.set(specifier.local.name, { path: from, name })
      }
    } else if (node.type === 'ExportAllDeclaration') {
      const from = resolveSpecifier(path, node.source.value)
      if (from !== undefined && !node.exported) stars.push(from)
    } else if (node.type === 'ExportNamedDeclaration') {
      if (node.declaration) declare(node.declaration, true)
      const from = node.source ? resolveSpecifier(path, node.source.value) : undefined
      for (const { local, exported } of node.specifiers) {
        if (from !== undefined) exports.set(nameOf(exported), { path: from, name: nameOf(local) })
        else if (!node.source) exports.set(nameOf(exported), nameOf(local))
      }
    } else if (node.type === 'ExportDefaultDeclaration') {
      const { declaration } = node
      if (declaration.type === 'FunctionDeclaration') {
        const name = declaration.id?.name ?? 'default'
        functions.set(name, declaration as es.FunctionNode)
        exports.set('default', name)
      } else main = declaration as es.Expression
    } else declare(node, false)
  }
  return { functions, constants, types, imports, unusable, exports, stars, default: main }
}

const LATER_PACKETS = 'what later packets are to find is a cell or a table of the state'

const nameOf = (node: { type: string } & ({ name: string } | { value: string })): string =>
  'name' in node ? node.name : node.value

/** What the imports of each module name, as far as that was asked: Node.js looks on the disk. */
const found = new Map<string, Map<string, string | undefined>>()

function resolveSpecifier(importer: string, specifier: string): string | undefined {
  const names = found.get(importer) ?? new Map<string, string | undefined>()
  found.set(importer, names)
  if (names.has(specifier)) return names.get(specifier)
  const file = findFile(importer, specifier)
  names.set(specifier, file)
  return file
}

/** Whether the imports of a module still name the same. Where a relative one leads is in itself. */
const isAsFound = (importer: string): boolean =>
  [...(found.get(importer) ?? [])].every(
    ([specifier, file]) => specifier.startsWith('.') || findFile(importer, specifier) === file,
  )

/** The TypeScript file that an import names; undefined where it is something else (`zod`), which no data plane calls. */
function findFile(importer: string, specifier: string): string | undefined {
  try {
    const path = specifier.startsWith('.')
      ? fileURLToPath(new URL(specifier, pathToFileURL(importer)))
      : createRequire(importer).resolve(specifier)
    return path.endsWith('.ts') ? path : undefined
  } catch {
    return undefined
  }
}

/** What `name` stands for at the top of `module`; undefined where it is not declared there. */
export function resolve(modules: Modules, module: Module, name: string): Resolved | undefined {
  const syntax = module.functions.get(name)
  if (syntax !== undefined) return { kind: 'function', module, name, syntax }
  const constant = module.constants.get(name)
  if (constant !== undefined)
    return module.exports.get(name) === name && name in module.values
      ? { kind: 'value', value: module.values[name] }
      : { kind: 'constant', module, syntax: constant }
  const origin = module.imports.get(name)
  return origin === undefined ? undefined : resolveExport(modules, origin)
}

function resolveExport(modules: Modules, { path, name }: Origin): Resolved | undefined {
  const module = modules.get(path)
  if (module === undefined) return undefined
  const target = module.exports.get(name)
  if (typeof target === 'string') return resolve(modules, module, target)
  if (target !== undefined) return resolveExport(modules, target)
  for (const star of module.stars) {
    const found = resolveExport(modules, { path: star, name })
    if (found !== undefined) return found
  }
  return name in module.values ? { kind: 'value', value: module.values[name] } : undefined
}

/** What the name of a type stands for, and the module where that is written. */
export function resolveType(
  modules: Modules,
  module: Module,
  name: string,
): { readonly module: Module; readonly annotation: Annotation } | undefined {
  const annotation = module.types.get(name)
  if (annotation !== undefined) return { module, annotation }
  const origin = module.imports.get(name)
  return origin === undefined ? undefined : resolveExportedType(modules, origin)
}

function resolveExportedType(modules: Modules, { path, name }: Origin): ReturnType<typeof resolveType> {
  const module = modules.get(path)
  if (module === undefined) return undefined
  const target = module.exports.get(name)
  if (typeof target === 'string') return resolveType(modules, module, target)
  if (target !== undefined) return resolveExportedType(modules, target)
  for (const star of module.stars) {
    const found = resolveExportedType(modules, { path: star, name })
    if (found !== undefined) return found
  }
  return undefined
}
