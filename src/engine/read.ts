/** A graph file (YAML) → a graph, validated by the cubes' schemas. Every mistake is reported, at its line. */
import { dirname } from 'node:path'
import { isMap, isScalar, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { z } from 'zod'
import { type Diagnostic, type Place, placeAt, Refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import type { Catalogue, CubeFolder } from '../cube/catalogue.ts'
import type { Graph, GraphFile, Instance, Port } from './graph.ts'
import type { Settings } from './settings.ts'

type Path = readonly (string | number)[]

const NAME = /^[a-z][a-z0-9-]{0,30}$/
const NAME_RULE = 'lower-case letters, digits and dashes, starting with a letter, at most 31'

const instanceShape = z.strictObject({
  cube: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
  ports: z.record(z.string(), z.looseObject({ interface: z.string().min(1) })),
})
const fileShape = z.strictObject({ graph: z.string(), instances: z.record(z.string(), instanceShape) })

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
    const shaped = fileShape.safeParse(this.plain())
    if (!shaped.success) this.report(shaped.error, [], fileShape)
    this.stopIfWrong()
    const { graph: name, instances } = shaped.data ?? { graph: '', instances: {} }
    this.checkName(name, ['graph'], false)
    const cubes = new Map<string, CubeFolder>()
    const read: Instance[] = []
    for (const [instance, given] of Object.entries(instances)) {
      this.checkName(instance, ['instances', instance], true)
      const folder = await this.findCube(given.cube, ['instances', instance, 'cube'])
      if (folder === undefined) continue
      cubes.set(given.cube, folder)
      read.push(this.instance(instance, given, folder))
    }
    this.checkInterfaces(read)
    this.stopIfWrong()
    const graph: Graph = { name, instances: read }
    return { file: this.file, graph, cubes, place: (path) => this.place(path, false) }
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

  private instance(name: string, given: z.output<typeof instanceShape>, { cube }: CubeFolder): Instance {
    const path = ['instances', name]
    const ports = Object.entries(given.ports).map(([port, { interface: leads, ...settings }]): Port => {
      this.checkName(port, [...path, 'ports', port], true)
      const config = this.settings(settings, cube.ports, [...path, 'ports', port], ['interface'])
      return { name: port, interface: leads, config }
    })
    const config = this.settings(given.config, cube.config, [...path, 'config'], [])
    return { name, cube: given.cube, config, ports }
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

  /** One interface, one port: a packet cannot come in by two. */
  private checkInterfaces(instances: readonly Instance[]): void {
    const owners = new Map<string, string>()
    for (const { name, ports } of instances) {
      for (const port of ports) {
        const owner = owners.get(port.interface)
        if (owner !== undefined)
          this.diagnostics.push({
            message: `the interface ${port.interface} is used twice: ${owner} leads to it already`,
            place: this.place(['instances', name, 'ports', port.name, 'interface'], false),
            remedy: 'give each port an interface of its own',
          })
        owners.set(port.interface, `${name}.${port.name}`)
      }
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
