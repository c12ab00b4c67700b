/** A graph as people write it → a graph, validated by the cubes' schemas. Every mistake is reported, at its line or by its path. */
import { dirname } from 'node:path'
import type { z } from 'zod'
import { type Diagnostic, Refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import type { Catalogue, CubeFolder } from '../../cube/catalogue.ts'
import { type Cube, LINK_KEYS } from '../../cube/define.ts'
import { graphShape, linkShape, NAME, NAME_RULE } from '../../cube/document.ts'
import { issuesOf } from '../../cube/issues.ts'
import type { Graph, GraphFile, Instance, Port } from '../graph/graph.ts'
import type { Settings } from '../graph/settings.ts'
import { canBeSized, type Entries } from '../graph/sized.ts'
import { type GivenInstance, type Path, readLinks } from './read-links.ts'
import { Rules } from './rules.ts'
import { type Written, writtenAsData, writtenAsText } from './written.ts'

/** Reads the text of a graph file, YAML or JSON. `file` is for messages, and for finding cubes that are named by folder. */
export async function readGraph(file: string, text: string, catalogue: Catalogue): Promise<GraphFile> {
  return new Reader(writtenAsText(file, text), catalogue).read()
}

/** Reads what such a file says, from plain data. */
export async function readDocument(file: string, document: unknown, catalogue: Catalogue): Promise<GraphFile> {
  return new Reader(writtenAsData(file, document), catalogue).read()
}

type Instances = z.output<typeof graphShape>['instances']

const NOTHING: z.output<typeof graphShape> = { graph: '', instances: {}, interfaces: {} }

class Reader {
  private readonly written: Written
  private readonly catalogue: Catalogue
  private readonly diagnostics: Diagnostic[] = []
  private readonly rules = new Rules()

  constructor(written: Written, catalogue: Catalogue) {
    this.written = written
    this.catalogue = catalogue
  }

  async read(): Promise<GraphFile> {
    const { file, content } = this.written
    const shaped = graphShape.safeParse(content)
    if (!shaped.success) this.report(shaped.error, [], content, graphShape)
    this.stopIfWrong()
    const { graph: name, attach, instances, interfaces } = shaped.data ?? NOTHING
    this.checkName(name, ['graph'], false)
    const found = await this.findCubes(instances)
    const { cubes, read, given, settings } = this.rules.run(() => this.readInstances(instances, found))
    // Of what could not be read, others would seem to lead nowhere.
    this.stopIfWrong()
    const { links, interfaces: on } = readLinks(given, interfaces, (path, key, message, remedy) =>
      this.say(path, key, message, remedy),
    )
    this.stopIfWrong()
    const graph: Graph = {
      name,
      ...(attach === undefined ? {} : { attach }),
      instances: read.map((instance, index) => ({
        ...instance,
        ports: Object.entries(given[index]?.ports ?? {}).map(([port, { through }]): Port => {
          const text = `${instance.name}.${port}`
          return { name: port, config: settings.get(text) ?? {}, link: links.get(text), through }
        }),
      })),
      interfaces: on,
    }
    return { file, graph, cubes, place: (path) => this.written.place(path, false) }
  }

  private readInstances(instances: Instances, found: ReadonlyMap<string, CubeFolder | Refusal>) {
    const cubes = new Map<string, CubeFolder>()
    const read: Omit<Instance, 'ports'>[] = []
    const given: GivenInstance[] = []
    const settings = new Map<string, Settings>()
    for (const [instance, { cube: reference, config, ports = {}, queue, entries }] of Object.entries(instances)) {
      const path = ['instances', instance]
      this.checkName(instance, path, true)
      const folder = found.get(reference)
      if (folder instanceof Refusal) this.repeat(folder, [...path, 'cube'])
      if (folder === undefined || folder instanceof Refusal) continue
      const { cube } = folder
      cubes.set(reference, folder)
      this.checkPorts(path, cube, instances[instance]?.ports !== undefined)
      this.checkEntries([...path, 'entries'], cube, entries)
      for (const [port, all] of Object.entries(cube.shape === 'transparent' ? {} : ports)) {
        const at = [...path, 'ports', port]
        this.checkName(port, at, true)
        const own = Object.fromEntries(Object.entries(all).filter(([key]) => !(key in linkShape.shape)))
        settings.set(`${instance}.${port}`, this.settings(own, cube.ports, folder, at, LINK_KEYS))
      }
      given.push({ name: instance, cube, ports })
      read.push({
        name: instance,
        cube: reference,
        config: this.settings(config, cube.config, folder, [...path, 'config'], []),
        ...(queue === undefined ? {} : { queue }),
        ...(entries === undefined ? {} : { entries }),
      })
    }
    return { cubes, read, given, settings }
  }

  private checkPorts(path: Path, { name, shape }: Cube, given: boolean): void {
    if (shape === 'standard' && !given) this.say(path, true, '`ports` is missing', 'add ports: …')
    if (shape === 'transparent' && given)
      this.say(
        [...path, 'ports'],
        true,
        `${name} is transparent, and has no ports`,
        `leave ports out, and list ${path.at(-1)} where it is to be: through: [${path.at(-1)}]`,
      )
  }

  private checkEntries(path: Path, { name: cube, state }: Cube, entries: Entries = {}): void {
    const names = Object.keys(state).filter((name) => state[name] !== undefined && canBeSized(state[name]))
    for (const name of Object.keys(entries)) {
      if (names.includes(name)) continue
      const known = Object.hasOwn(state, name)
      const message = known
        ? `the table ${name} of ${cube} has as many entries as its cube says: it is a ${state[name]?.kind}`
        : `${cube} has no table ${name}`
      const others = names.length === 0 ? `leave it out: ${cube} has no table of keys` : suggestion(name, names)
      this.say([...path, name], true, message, others)
    }
  }

  private settings(
    given: unknown,
    schema: z.ZodObject,
    { dataplane }: CubeFolder,
    path: Path,
    otherKeys: readonly string[],
  ): Settings {
    const parsed = this.rules.ask(schema, given, dataplane)
    if (parsed instanceof Refusal) this.repeat(parsed, path)
    else if (!parsed.success) this.report(parsed.error, path, given, schema, otherKeys)
    return parsed instanceof Refusal ? {} : (parsed.data ?? {})
  }

  private async findCubes(instances: Instances): Promise<ReadonlyMap<string, CubeFolder | Refusal>> {
    const found = new Map<string, CubeFolder | Refusal>()
    for (const { cube } of Object.values(instances)) if (!found.has(cube)) found.set(cube, await this.findCube(cube))
    return found
  }

  private async findCube(reference: string): Promise<CubeFolder | Refusal> {
    try {
      return await this.catalogue.find(reference, dirname(this.written.file))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return error
    }
  }

  /** What somebody else refuses, at its place, or where the graph has it. */
  private repeat({ diagnostics }: Refusal, path: Path): void {
    for (const { message, remedy, place } of diagnostics)
      this.diagnostics.push({ message, remedy, path, place: place ?? this.written.place(path, false) })
  }

  private checkName(name: string, path: Path, isKey: boolean): void {
    if (!NAME.test(name)) this.say(path, isKey, `"${name}" is not a name`, NAME_RULE)
  }

  private report(
    error: z.ZodError,
    base: Path,
    given: unknown,
    schema: z.ZodType,
    otherKeys: readonly string[] = [],
  ): void {
    for (const { path, key, message, remedy } of issuesOf(error, given, schema, otherKeys))
      this.say([...base, ...path], key, message, remedy)
  }

  private say(path: Path, key: boolean, message: string, remedy: string | undefined): void {
    this.diagnostics.push({ message, remedy, path, place: this.written.place(path, key) })
  }

  private stopIfWrong(): void {
    if (this.diagnostics.length > 0) throw new Refusal(this.diagnostics)
  }
}
