/**
 * Cubes that come, change and go while graphs run. What is added is copied, and the copy is what runs: files that somebody edits, or
 * takes away, change nothing. Which copies count is in the store.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { refuse } from '../../api/problem.ts'
import { suggestion } from '../../base/suggest.ts'
import type { Catalogue } from '../../cube/catalogue.ts'
import type { Store } from '../../store/store.ts'
import { checkCube } from './check.ts'
import { digestOf, type Files, furnish, readCube, writeCube } from './staging.ts'

/** The graphs that are there, as far as cubes matter to them. */
export interface UsingGraphs {
  /** Those with an instance of a cube of this name. */
  using(cube: string): Promise<readonly string[]>
  /** What it would take to have a graph use the cubes that there are now; a Refusal where it cannot. Changes nothing. */
  plan(graph: string): Promise<unknown>
  /** Has it use them. */
  apply(graph: string): Promise<unknown>
}

export interface RegistryParts {
  readonly store: Store
  readonly catalogue: Catalogue
  readonly graphs: UsingGraphs
  /** Where copies are. */
  readonly folder: string
  /** Looks at a cube before it is used, and tells its name. */
  readonly check?: (files: Files) => Promise<{ readonly name: string }>
}

const PREFIX = 'cubes/'

const Kept = z.object({
  /** Of the copy, in the folder of copies. */
  folder: z.string(),
  /** Where it came from. */
  origin: z.string(),
})

export class CubeRegistry {
  private readonly parts: RegistryParts
  private readonly check: NonNullable<RegistryParts['check']>
  /** Whoever changes cubes waits for whoever does so already. */
  private last: Promise<unknown> = Promise.resolve()

  private constructor(parts: RegistryParts) {
    this.parts = parts
    this.check = parts.check ?? checkCube
  }

  /** The catalogue has then what was added before. */
  static async open(parts: RegistryParts): Promise<CubeRegistry> {
    mkdirSync(parts.folder, { recursive: true, mode: 0o755 })
    furnish(parts.folder)
    const { entries } = await parts.store.list(PREFIX)
    const counted = new Set(['node_modules', 'package.json'])
    for (const { key, value } of entries) {
      const { folder } = Kept.parse(JSON.parse(value))
      counted.add(folder)
      parts.catalogue.set(key.slice(PREFIX.length), join(parts.folder, folder))
    }
    // Of changes that somebody was killed in the middle of.
    for (const name of readdirSync(parts.folder))
      if (!counted.has(name)) rmSync(join(parts.folder, name), { recursive: true, force: true })
    return new CubeRegistry(parts)
  }

  /** The folders of those that were added, by name. */
  async added(): Promise<ReadonlyMap<string, string>> {
    return this.parts.catalogue.others()
  }

  /** Gives its name. */
  add({ path }: { readonly path: string }): Promise<string> {
    return this.inTurn(async () => {
      const { catalogue, store } = this.parts
      const files = readCube(path)
      const { name } = await this.check(files)
      if (catalogue.others().has(name))
        throw refuse(
          409,
          `there is a cube "${name}" already`,
          `tessera cube upgrade ${name} puts another version in its place`,
        )
      if (catalogue.builtin().includes(name))
        throw refuse(409, `the cube "${name}" comes with Tessera`, 'give yours another name, in schema.ts')
      const folder = this.keep(name, files)
      await store.commit([{ put: PREFIX + name, value: JSON.stringify({ folder, origin: path }) }])
      catalogue.set(name, join(this.parts.folder, folder))
      return name
    })
  }

  /** All graphs go over to it, or none: state is kept as in any other change of a graph. */
  upgrade(name: string, { path }: { readonly path: string }): Promise<void> {
    return this.inTurn(async () => {
      const { catalogue, store, graphs } = this.parts
      const before = this.must(name)
      const files = readCube(path)
      const { name: found } = await this.check(files)
      if (found !== name)
        throw refuse(409, `${path} is a cube "${found}", and not "${name}"`, `name it ${name} in schema.ts`)
      const folder = this.keep(name, files)
      const after = join(this.parts.folder, folder)
      if (after === before) return
      const using = await graphs.using(name)
      const point = async (to: string, origin: string) => {
        await store.commit([{ put: PREFIX + name, value: JSON.stringify({ folder: basename(to), origin }) }])
        catalogue.set(name, to)
      }
      const origin = Kept.parse(JSON.parse((await store.get(PREFIX + name))?.value ?? '{}')).origin
      catalogue.set(name, after)
      try {
        for (const graph of using) await graphs.plan(graph)
      } catch (error) {
        catalogue.set(name, before)
        rmSync(after, { recursive: true })
        throw error
      }
      // Whoever is killed from here on finds the new one wanted.
      await point(after, path)
      const done: string[] = []
      try {
        for (const graph of using) {
          done.push(graph)
          await graphs.apply(graph)
        }
      } catch (error) {
        await point(before, origin)
        for (const graph of done) await graphs.apply(graph)
        rmSync(after, { recursive: true })
        throw error
      }
      rmSync(before, { recursive: true, force: true })
    })
  }

  remove(name: string): Promise<void> {
    return this.inTurn(async () => {
      const { catalogue, store, graphs } = this.parts
      const folder = this.must(name)
      const using = await graphs.using(name)
      if (using.length > 0)
        throw refuse(409, `graphs have instances of "${name}": ${using.join(', ')}`, 'take these instances away first')
      await store.commit([{ delete: PREFIX + name }])
      catalogue.set(name, undefined)
      rmSync(folder, { recursive: true, force: true })
    })
  }

  private must(name: string): string {
    const { catalogue } = this.parts
    const folder = catalogue.others().get(name)
    if (folder !== undefined) return folder
    if (catalogue.builtin().includes(name))
      throw refuse(409, `the cube "${name}" comes with Tessera, and stays as it is`)
    throw refuse(404, `no cube "${name}" was added`, suggestion(name, [...catalogue.others().keys()]))
  }

  /** Under a name that no other content has, because modules are imported only once. */
  private keep(name: string, files: Files): string {
    const folder = `${name}-${digestOf(files)}`
    writeCube(files, join(this.parts.folder, folder))
    return folder
  }

  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const next = this.last.then(run, run)
    this.last = next.catch(() => {})
    return next
  }
}
