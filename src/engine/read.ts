/** A graph file (YAML) → a graph, validated by the cubes' schemas. Every mistake is reported, at its line. */
import { dirname } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { z } from 'zod'
import { type Diagnostic, type Place, placeAt, Refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import type { Catalogue, CubeFolder } from '../cube/catalogue.ts'
import { type Cube, LINK_KEYS } from '../cube/define.ts'
import { graphShape, linkShape, NAME, NAME_RULE } from '../cube/document.ts'
import type { Graph, GraphFile, Instance, Port } from './graph.ts'
import { type GivenInstance, type Path, readLinks } from './read-links.ts'
import type { Settings } from './settings.ts'

/** Reads the text of a graph file. `file` is for messages, and for finding cubes that are named by folder. */
export async function readGraph(file: string, text: string, catalogue: Catalogue): Promise<GraphFile> {
  return new Reader(file, text, catalogue).read()
}

class Reader {
  private readonly file: string
  private readonly text: string
  private readonly catalogue: Catalogue
  private readonly document
  private readonly diagnostics: Diagnostic[] = []

  constructor(file: string, text: string, catalogue: Catalogue) {
    this.file = file
    this.text = text
    this.catalogue = catalogue
    this.document = parseDocument(text, { prettyErrors: false, lineCounter: new LineCounter() })
  }

  async read(): Promise<GraphFile> {
    for (const { message, pos } of [...this.document.errors, ...this.document.warnings])
      this.diagnostics.push({
        ...explain(message),
        place: placeAt(this.file, this.text, pos[0], Math.max(1, pos[1] - pos[0])),
      })
    if (this.document.contents === null)
      this.diagnostics.push({
        message: 'the file is empty',
        place: this.place([], false),
        remedy: 'start with graph: …',
      })
    this.checkNodes()
    this.stopIfWrong()
    const shaped = graphShape.safeParse(this.plain())
    if (!shaped.success) this.report(shaped.error, [], graphShape)
    this.stopIfWrong()
    const { graph: name, instances, interfaces } = shaped.data ?? { graph: '', instances: {}, interfaces: {} }
    this.checkName(name, ['graph'], false)
    const cubes = new Map<string, CubeFolder>()
    const read: Omit<Instance, 'ports'>[] = []
    const given: GivenInstance[] = []
    const settings = new Map<string, Settings>()
    for (const [instance, { cube: reference, config, ports = {}, queue }] of Object.entries(instances)) {
      const path = ['instances', instance]
      this.checkName(instance, path, true)
      const folder = await this.findCube(reference, [...path, 'cube'])
      if (folder === undefined) continue
      const { cube } = folder
      cubes.set(reference, folder)
      this.checkPorts(path, cube, instances[instance]?.ports !== undefined)
      for (const [port, all] of Object.entries(cube.shape === 'transparent' ? {} : ports)) {
        const at = [...path, 'ports', port]
        this.checkName(port, at, true)
        const own = Object.fromEntries(Object.entries(all).filter(([key]) => !(key in linkShape.shape)))
        settings.set(`${instance}.${port}`, this.settings(own, cube.ports, at, LINK_KEYS))
      }
      given.push({ name: instance, cube, ports })
      read.push({
        name: instance,
        cube: reference,
        config: this.settings(config, cube.config, [...path, 'config'], []),
        ...(queue === undefined ? {} : { queue }),
      })
    }
    // Of what could not be read, others would seem to lead nowhere.
    this.stopIfWrong()
    const { links, interfaces: on } = readLinks(given, interfaces, (path, key, message, remedy) =>
      this.diagnostics.push({ message, remedy, place: this.place(path, key) }),
    )
    this.stopIfWrong()
    const graph: Graph = {
      name,
      instances: read.map((instance, index) => ({
        ...instance,
        ports: Object.entries(given[index]?.ports ?? {}).map(([port, { through }]): Port => {
          const text = `${instance.name}.${port}`
          return { name: port, config: settings.get(text) ?? {}, link: links.get(text), through }
        }),
      })),
      interfaces: on,
    }
    return { file: this.file, graph, cubes, place: (path) => this.place(path, false) }
  }

  private checkPorts(path: Path, { name, shape }: Cube, given: boolean): void {
    if (shape === 'standard' && !given)
      this.diagnostics.push({
        message: '`ports` is missing',
        place: this.place(path, true),
        remedy: 'add ports: …',
      })
    if (shape === 'transparent' && given)
      this.diagnostics.push({
        message: `${name} is transparent, and has no ports`,
        place: this.place([...path, 'ports'], true),
        remedy: `leave ports out, and list ${path.at(-1)} where it is to be: through: [${path.at(-1)}]`,
      })
  }

  /** What YAML can say, and plain data cannot hold. */
  private checkNodes(): void {
    const say = (node: unknown, message: string, remedy: string) => {
      const [start, end] = (isNode(node) ? node.range : undefined) ?? [0, 1]
      const place = placeAt(this.file, this.text, start, Math.max(1, end - start))
      this.diagnostics.push({ message, place, remedy })
    }
    visit(this.document, {
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
  }

  private plain(): unknown {
    try {
      return this.document.toJS()
    } catch (error) {
      // Aliases of aliases of aliases: the text is short, and what it stands for is not.
      const message = error instanceof Error ? error.message : String(error)
      throw new Refusal([{ message, place: this.place([], false) }], { cause: error })
    }
  }

  private settings(given: unknown, schema: z.ZodObject, path: Path, otherKeys: readonly string[]): Settings {
    const parsed = schema.safeParse(given)
    if (!parsed.success) this.report(parsed.error, path, schema, otherKeys)
    return parsed.data ?? {}
  }

  private async findCube(reference: string, path: Path): Promise<CubeFolder | undefined> {
    try {
      return await this.catalogue.find(reference, dirname(this.file))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      for (const { message, remedy, place } of error.diagnostics)
        this.diagnostics.push({ message, remedy, place: place ?? this.place(path, false) })
      return undefined
    }
  }

  private checkName(name: string, path: Path, isKey: boolean): void {
    if (!NAME.test(name))
      this.diagnostics.push({ message: `"${name}" is not a name`, place: this.place(path, isKey), remedy: NAME_RULE })
  }

  private report(error: z.ZodError, base: Path, schema: z.ZodType, otherKeys: readonly string[] = []): void {
    for (const issue of error.issues) {
      const path = [...base, ...issue.path.filter((part) => typeof part !== 'symbol')]
      if (issue.code === 'unrecognized_keys') {
        const known = [...otherKeys, ...keysAt(schema, issue.path)]
        for (const key of issue.keys)
          this.diagnostics.push({
            message: `"${key}" is not known here`,
            place: this.place([...path, key], true),
            remedy: suggestion(key, known),
          })
        continue
      }
      const last = path.at(-1)
      const missing = issue.code === 'invalid_type' && this.document.getIn(path) === undefined
      this.diagnostics.push({
        message: missing ? `\`${last}\` is missing` : `${last ?? 'the file'}: ${inWords(issue.message)}`,
        place: this.place(missing ? path.slice(0, -1) : path, missing),
        remedy: missing ? describeKey(schema, issue.path) : undefined,
      })
    }
  }

  /** Where a path is written: its value, or its key. The nearest part that is there, where it is not. */
  private place(path: Path, key: boolean): Place | undefined {
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

  private stopIfWrong(): void {
    if (this.diagnostics.length > 0) throw new Refusal(this.diagnostics)
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'range' in value

const explain = (message: string): { message: string; remedy?: string } =>
  message === 'Map keys must be unique'
    ? { message: 'this name is used twice', remedy: 'give each one a name of its own' }
    : { message: message.split('\n')[0] ?? message }

/** zod says that it is invalid, and so does the place of the message. */
const inWords = (message: string): string => message.replace(/^Invalid input: /, '')

/** The schema that a path leads to. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema
  for (const part of path) {
    while (current instanceof z.ZodDefault) current = current.unwrap() as z.ZodType
    if (current instanceof z.ZodObject) current = current.shape[String(part)] as z.ZodType | undefined
    else if (current instanceof z.ZodRecord) current = current.valueType as z.ZodType
    else return undefined
  }
  return current
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const found = schemaAt(schema, path)
  return found instanceof z.ZodObject ? Object.keys(found.shape) : []
}

const describeKey = (schema: z.ZodType, path: readonly PropertyKey[]): string | undefined => {
  const description = schemaAt(schema, path)?.description
  return description === undefined ? `add ${String(path.at(-1))}: …` : `add ${String(path.at(-1))}: … (${description})`
}
