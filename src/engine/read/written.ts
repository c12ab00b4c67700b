/** A document that is read: what it says, and where. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { type Diagnostic, type Place, placeAt, Refusal } from '../../base/diagnostic.ts'
import { lazy } from '../../base/lazy.ts'
import { NAME_RULE } from '../../cube/document.ts'
import type { Path } from './read-links.ts'
import { readUsual } from './usual-yaml.ts'

export interface Written {
  /** For messages, and for finding cubes that are named by folder. */
  readonly file: string
  /** As plain data. */
  readonly content: unknown
  /** Where a path is written: its value, or its key. The nearest part that is there, where it is not; undefined where nothing is text. */
  place(path: Path, key: boolean): Place | undefined
}

/** What has come as data, in a request: paths are all that there is to say where something is. */
export const writtenAsData = (file: string, content: unknown): Written => ({ file, content, place: () => undefined })

/** YAML, and so JSON. A Refusal where it is neither, or says what plain data cannot hold. */
export function writtenAsText(file: string, text: string): Written {
  const content = readUsual(text)
  const read = lazy(() => new Text(file, text))
  if (content === undefined) read().check()
  return { file, content: content ?? read().plain(), place: (path, key) => read().place(path, key) }
}

class Text {
  private readonly file: string
  private readonly text: string
  private readonly document

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
    // Names that are there twice are looked for here: the parser compares each with each.
    this.document = parseDocument(text, { prettyErrors: false, lineCounter: new LineCounter(), uniqueKeys: false })
  }

  check(): void {
    const found = [...this.document.errors, ...this.document.warnings]
    // Of brackets that are open at the end, each is said there.
    const said = (at: number) =>
      found.findIndex((one) => one.message === found[at]?.message && one.pos[0] === found[at]?.pos[0])
    const diagnostics: Diagnostic[] = found
      .filter((_, at) => said(at) === at)
      .map(({ message, pos }) => ({
        ...explain(message),
        place: placeAt(this.file, this.text, pos[0], Math.max(1, pos[1] - pos[0])),
      }))
    if (this.document.contents === null)
      diagnostics.push({ message: 'the file is empty', place: this.place([], false), remedy: 'start with graph: …' })
    diagnostics.push(...this.checkNodes())
    if (diagnostics.length > 0) throw new Refusal(diagnostics)
  }

  /** What YAML can say, and plain data cannot hold. */
  private checkNodes(): readonly Diagnostic[] {
    const diagnostics: Diagnostic[] = []
    const say = (node: unknown, message: string, remedy: string) => {
      const [start, end] = (isNode(node) ? node.range : undefined) ?? [0, 1]
      const place = placeAt(this.file, this.text, start, Math.max(1, end - start))
      diagnostics.push({ message, place, remedy })
    }
    visit(this.document, {
      Map: (_, { items }) => {
        const names = new Set<string>()
        for (const { key } of items) {
          if (!isScalar(key)) continue
          const name = String(key.value)
          if (names.has(name)) say(key, 'this name is used twice', 'give each one a name of its own')
          names.add(name)
        }
      },
      Alias: (_, node) => {
        if (node.resolve(this.document) === undefined)
          say(
            node,
            `there is no &${node.source} before this`,
            `write &${node.source} at what *${node.source} stands for`,
          )
      },
      Pair: (_, { key }) => {
        if (!isScalar(key)) say(key, 'a name must be plain text', NAME_RULE)
        else if (key.value === '__proto__') say(key, '"__proto__" is not a name', NAME_RULE)
      },
    })
    return diagnostics
  }

  plain(): unknown {
    try {
      return this.document.toJS()
    } catch (error) {
      // Aliases of aliases of aliases: the text is short, and what it stands for is not.
      const message = error instanceof Error ? error.message : String(error)
      throw new Refusal([{ message, place: this.place([], false) }], { cause: error })
    }
  }

  place(path: Path, key: boolean): Place | undefined {
    let node: unknown = this.document.contents
    let found: Node | undefined = isNode(node) ? node : undefined
    for (const [index, part] of path.entries()) {
      if (isSeq(node)) {
        node = node.items[Number(part)]
        if (isNode(node)) found = node
        continue
      }
      if (!isMap(node)) break
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value ?? '') === String(part))
      if (pair === undefined) break
      const wanted = key && index === path.length - 1 ? pair.key : pair.value
      if (isNode(wanted)) found = wanted
      // A mapping is pointed at by its key: its own text may be long.
      if (isMap(pair.value) && isNode(pair.key)) found = pair.key
      node = pair.value
    }
    const [start, end] = found?.range ?? [0, 1]
    return placeAt(this.file, this.text, start, Math.max(1, end - start))
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'range' in value

const explain = (message: string): { message: string; remedy?: string } =>
  message.startsWith('Maximum call stack size')
    ? { message: 'this is nested too deeply', remedy: 'graph files have no more than ten levels' }
    : { message: message.split('\n')[0] ?? message }
