/** The graphs that files describe: YAML or JSON, or TypeScript that exports them. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Place, type Refusal, refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import type { Catalogue } from '../cube/catalogue.ts'
import { type GraphDocument, NAME, NAME_RULE } from '../cube/document.ts'
import { imported } from '../cube/import-failure.ts'
import type { GraphFile } from '../engine/graph/graph.ts'
import { readDocument, readGraph } from '../engine/read/read.ts'
import { writtenAsText } from '../engine/read/written.ts'
import type { HookPoint } from '../isa/program.ts'

export interface GraphSource {
  readonly file: string
  readonly name: string
  /** For a daemon: cubes that are named by folder are named by whole paths. */
  readonly document: GraphDocument
  /** Where something of it is written, if it is text. */
  place(path: readonly string[]): Place | undefined
  /** Checked, with the cubes that it names. */
  read(catalogue: Catalogue): Promise<GraphFile>
}

const EXTENSIONS = /\.(ya?ml|json)$/

/** Files, folders of them, and `-` for standard input. A Refusal where one is no graph, or two are of the same. */
export async function sourcesOf(words: readonly string[]): Promise<readonly GraphSource[]> {
  const sources: GraphSource[] = []
  for (const file of words.flatMap(filesIn)) sources.push(...(await sourcesIn(file)))
  for (const [index, { name, file }] of sources.entries()) {
    const before = sources.slice(0, index).find((one) => one.name === name)
    if (before !== undefined) throw refusal(`the graph ${name} is in ${before.file} and in ${file}`, 'name one of them')
  }
  return sources
}

function filesIn(word: string): string[] {
  if (word === '-') return [word]
  const names = namesIn(word)
  if (names === undefined) return [word]
  const files = names.filter((name) => EXTENSIONS.test(name))
  if (files.length === 0)
    throw refusal(`${word} is a folder`, 'and no graph file (.yaml, .yml, .json) is in it: name one')
  return files.sort().map((name) => join(word, name))
}

/** Undefined: it is no folder. */
function namesIn(word: string): string[] | undefined {
  try {
    return readdirSync(word)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTDIR') return undefined
    if (code === 'ENOENT') throw refusal(`there is no file ${word}`, `looked for ${resolve(word)}`)
    throw unreadable(word, error)
  }
}

const unreadable = (file: string, error: unknown): Refusal =>
  refusal(`${file} cannot be read: ${error instanceof Error ? error.message : error}`)

async function sourcesIn(file: string): Promise<GraphSource[]> {
  if (file.endsWith('.ts')) return exported(file)
  const shown = file === '-' ? '(standard input)' : file
  const text = file === '-' ? await ofStandardInput() : readText(file)
  const written = writtenAsText(shown, text)
  const name = nameIn(written.content)
  if (name === undefined) {
    const known = typeof written.content === 'object' ? Object.keys(written.content ?? {}) : []
    if (known.includes('graph'))
      throw refusal('graph: has to be text', 'start with graph: NAME', written.place(['graph'], false))
    const near = known.some((key) => key.toLowerCase().startsWith('g')) ? `${suggestion('graph', known)}: ` : ''
    throw refusal('`graph` is missing', `${near}start with graph: NAME`, written.place([], false))
  }
  if (!NAME.test(name)) throw refusal(`"${name}" is not a name`, NAME_RULE, written.place(['graph'], false))
  return [
    {
      file: shown,
      name,
      document: withWholePaths(written.content, file === '-' ? '.' : dirname(file)),
      place: (path) => written.place(path, false),
      read: (catalogue) => readGraph(shown, text, catalogue),
    },
  ]
}

/** Whoever waits for it can be told to end. */
async function ofStandardInput(): Promise<string> {
  try {
    return await text(process.stdin)
  } catch (error) {
    throw unreadable('standard input', error)
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** What is exported and is a graph, or a list of graphs. */
async function exported(file: string): Promise<GraphSource[]> {
  const path = resolve(file)
  const module = await imported(path)
  const found = new Set(
    Object.values(module).flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value])),
  )
  const sources = [...found].flatMap((content): GraphSource[] => {
    const name = nameIn(content)
    if (name === undefined) return []
    const document = JSON.parse(JSON.stringify(content)) as unknown
    return [
      {
        file,
        name,
        document: withWholePaths(document, dirname(file)),
        place: () => undefined,
        read: (catalogue) => readDocument(file, document, catalogue),
      },
    ]
  })
  if (sources.length > 0) return sources
  throw refusal(
    `${file} exports no graph`,
    "write export default { graph: 'name', instances: { … } }, or a list of such",
  )
}

function nameIn(content: unknown): string | undefined {
  const name = typeof content === 'object' && content !== null && 'graph' in content ? content.graph : undefined
  return typeof name === 'string' ? name : undefined
}

/** A daemon is somewhere else. What is no graph yet is left to whoever checks it. */
function withWholePaths(content: unknown, folder: string): GraphDocument {
  const document = structuredClone(content) as { instances?: unknown }
  const { instances } = document
  for (const instance of typeof instances === 'object' && instances !== null ? Object.values(instances) : []) {
    const one = instance as { cube?: unknown } | null
    if (typeof one?.cube === 'string' && one.cube.startsWith('.')) one.cube = resolve(folder, one.cube)
  }
  return document as GraphDocument
}

/** The one graph that is described there. */
export async function onlySource(word: string): Promise<GraphSource> {
  const sources = await sourcesOf([word])
  const [source] = sources
  if (source !== undefined && sources.length === 1) return source
  throw refusal(
    `${word} has several graphs: ${sources.map(({ name }) => name).join(', ')}`,
    'name a file with one of them',
  )
}

/** As somebody says on the command line, whatever is written. */
export const attachedAt = (source: GraphSource, attach: HookPoint | undefined): GraphSource =>
  attach === undefined
    ? source
    : {
        ...source,
        document: { ...source.document, attach },
        async read(catalogue) {
          const file = await source.read(catalogue)
          const { name, attach: _, ...rest } = file.graph
          return { ...file, graph: { name, attach, ...rest } }
        },
      }

/**
 * A word that may be a name as well means a file where there is one, and where only a file is called so; a folder of that name means
 * nothing.
 */
export const isFile = (word: string): boolean =>
  /\.(ya?ml|json|ts)$/.test(word) || statSync(word, { throwIfNoEntry: false })?.isFile() === true

/** Of a graph that is named, or by a file of it. */
export const nameOf = async (which: string): Promise<string> => (isFile(which) ? (await onlySource(which)).name : which)
