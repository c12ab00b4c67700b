/**
 * Cubes that come, change and go while graphs run. What is added is copied, and the copy is what runs: files that somebody edits, or
 * takes away, change nothing. Which copies count is in the store.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { refuse } from '../../api/problem.ts'
import { type Place, Refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import { Turns } from '../../base/turns.ts'
import type { Catalogue } from '../../cube/catalogue.ts'
import type { Store } from '../../store/store.ts'
import { checkCube } from './check.ts'
import { digestOf, type Files, furnish, readCube, writeCube } from './staging.ts'

/** The graphs that are there, as far as cubes matter to them. */
export interface UsingGraphs {
  /** Those with an instance of a cube of this name, when changes that were begun have ended: later ones know the catalogue as it is now. */
  using(cube: string): Promise<readonly string[]>
  /** What it would take to have a graph use these cubes; a Refusal where it cannot. Changes nothing. */
  plan(graph: string, catalogue: Catalogue): Promise<unknown>
  /** Has it use the cubes that there are now. One that does already stays as it is. */
  apply(graph: string): Promise<unknown>
}

/** What became of a cube. */
export interface CubeHappened {
  readonly kind: 'cube.added' | 'cube.upgraded' | 'cube.removed'
  readonly cube: string
  readonly text: string
}

export interface RegistryParts {
  readonly store: Store
  readonly catalogue: Catalogue
  readonly graphs: UsingGraphs
  /** Where copies are. */
  readonly folder: string
  /** Looks at a cube before it is used, and tells its name. */
  readonly check?: (files: Files) => Promise<{ readonly name: string }>
  readonly tell?: (happened: CubeHappened) => void
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
  private readonly turns = new Turns()

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

  /** Where those that were added came from, by name. */
  async added(): Promise<ReadonlyMap<string, string>> {
    const { entries } = await this.parts.store.list(PREFIX)
    return new Map(entries.map(({ key, value }) => [key.slice(PREFIX.length), Kept.parse(JSON.parse(value)).origin]))
  }

  /** Gives its name. */
  add({ path }: { readonly path: string }): Promise<string> {
    return this.turns.take(async () => {
      const { catalogue, store } = this.parts
      const files = readCube(path)
      const { name } = await this.looked(path, files)
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
      this.tell({ kind: 'cube.added', cube: name, text: `the cube ${name} is there, from ${path}` })
      return name
    })
  }

  /** All graphs go over to it, or none: state is kept as in any other change of a graph. */
  upgrade(name: string, { path }: { readonly path: string }): Promise<void> {
    return this.turns.take(async () => {
      const { catalogue, store, graphs } = this.parts
      const before = this.must(name)
      const files = readCube(path)
      const { name: found } = await this.looked(path, files)
      if (found !== name)
        throw refuse(409, `${path} is a cube "${found}", and not "${name}"`, `name it ${name} in schema.ts`)
      const folder = this.keep(name, files)
      const after = join(this.parts.folder, folder)
      if (after === before) {
        await store.commit([{ put: PREFIX + name, value: JSON.stringify({ folder, origin: path }) }])
        return
      }
      const kept = Kept.parse(JSON.parse((await store.get(PREFIX + name))?.value ?? '{}'))
      try {
        const trial = catalogue.with(name, after)
        for (const graph of await graphs.using(name)) await graphs.plan(graph, trial)
        // Whoever is killed from here on finds the new one wanted.
        await this.switch(name, { folder, origin: path })
      } catch (error) {
        if (catalogue.others().get(name) === after) await this.switch(name, kept)
        rmSync(after, { recursive: true })
        throw error
      }
      rmSync(before, { recursive: true, force: true })
      this.tell({ kind: 'cube.upgraded', cube: name, text: `the cube ${name} is as in ${path}` })
    })
  }

  /** From now on the name stands for this copy. Graphs go over to it; those that are changed meanwhile do so by that. */
  private async switch(name: string, kept: z.output<typeof Kept>): Promise<void> {
    const { catalogue, store, graphs } = this.parts
    await store.commit([{ put: PREFIX + name, value: JSON.stringify(kept) }])
    catalogue.set(name, join(this.parts.folder, kept.folder))
    for (const graph of await graphs.using(name)) await graphs.apply(graph)
  }

  remove(name: string): Promise<void> {
    return this.turns.take(async () => {
      const { catalogue, store, graphs } = this.parts
      const folder = this.must(name)
      // Nobody comes to use it while it is looked for those who do.
      catalogue.set(name, undefined)
      try {
        const using = await graphs.using(name)
        if (using.length > 0)
          throw refuse(
            409,
            `graphs have instances of "${name}": ${using.join(', ')}`,
            'take these instances away first',
          )
        await store.commit([{ delete: PREFIX + name }])
      } catch (error) {
        catalogue.set(name, folder)
        throw error
      }
      rmSync(folder, { recursive: true, force: true })
      this.tell({ kind: 'cube.removed', cube: name, text: `the cube ${name} is gone` })
    })
  }

  /** What is wrong with a cube is said of the files that somebody can mend, and not of copies. */
  private async looked(folder: string, files: Files): Promise<{ readonly name: string }> {
    try {
      return await this.check(files)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const there = (place: Place): Place => ({ ...place, file: resolve(folder, place.file) })
      throw new Refusal(
        error.diagnostics.map(({ place, ...rest }) => ({ ...rest, place: place && there(place) })),
        { cause: error },
      )
    }
  }

  private tell(happened: CubeHappened): void {
    this.parts.tell?.(happened)
  }

  private must(name: string): string {
    const { catalogue } = this.parts
    const folder = catalogue.others().get(name)
    if (folder !== undefined) return folder
    if (catalogue.builtin().includes(name))
      throw refuse(409, `the cube "${name}" comes with Tessera, and stays as it is`)
    throw refuse(404, `no cube "${name}" was added`, suggestion(name, [...catalogue.others().keys()]))
  }

  /**
   * Under a name that no other content has, because modules are imported only once. A copy that is there is whole, whenever somebody
   * is killed: it may be the one that counts.
   */
  private keep(name: string, files: Files): string {
    const folder = `${name}-${digestOf(files)}`
    const path = join(this.parts.folder, folder)
    if (existsSync(path)) return folder
    const beside = `${path}.new`
    rmSync(beside, { recursive: true, force: true })
    writeCube(files, beside)
    renameSync(beside, path)
    return folder
  }
}
