import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import { own } from '../base/own.ts'
import { suggestion } from '../base/suggest.ts'
import type { ControlPlane } from './control.ts'
import type { Cube, DataPlane } from './define.ts'
import { imported, mustBeInPackage, mustMeanThisTessera } from './import-failure.ts'

/** A cube's folder, read. */
export interface CubeFolder {
  readonly cube: Cube
  readonly control: ControlPlane
  /** Where the compiler finds the data plane. */
  readonly dataplane: string
  /** Of its files just before they were read, if it is one that may change. */
  readonly version?: string
  /** Tells its modules from those that were imported before, of a folder that was read before. */
  readonly anew?: string
}

/** A folder that was read. */
interface Read {
  readonly folder: Promise<CubeFolder>
  /** Of its files just before. */
  readonly version: string
}

/** What was read, of all folders. */
class Folders {
  /** As they count. */
  readonly now = new Map<string, Read>()
  /** As they ever were, by folder and version: graphs run of them. */
  readonly ever = new Map<string, Read>()
  /** Of these, a module that was imported is there already. */
  readonly tried = new Set<string>()
  /** How often any of them was read anew. */
  times = 0
}

/** Tells the version of a data plane's files, and of all others of its cube, from others. */
export type VersionOf = (dataplane: string) => string

/** The cubes that can be named: every folder with a data plane is one, and those that were added. */
export class Catalogue {
  private readonly folder: string
  private readonly added = new Map<string, string>()
  private readonly versionOf: VersionOf
  private readonly folders: Folders
  private readonly meant: Readonly<Record<string, string>>

  /** Without `versionOf`, no folder is ever read anew. */
  constructor(folder: string, versionOf: VersionOf = () => '', folders = new Folders(), meant = {}) {
    this.folder = folder
    this.versionOf = versionOf
    this.folders = folders
    this.meant = meant
  }

  names(): string[] {
    return [...this.builtin(), ...this.added.keys()].sort()
  }

  /** Those that come with Tessera. */
  builtin(): string[] {
    return readdirSync(this.folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(this.folder, entry.name, 'dataplane.ts')))
      .map(({ name }) => name)
  }

  /** From now on the name stands for what is in this folder; without one, for nothing. Names of builtin cubes are not for others. */
  set(name: string, folder: string | undefined): void {
    if (folder === undefined) this.added.delete(name)
    else this.added.set(name, folder)
  }

  /** Another one, in which the name stands for what is in this folder, and which may be given up. */
  with(name: string, folder: string): Catalogue {
    const other = new Catalogue(this.folder, this.versionOf, this.folders)
    for (const [one, at] of this.added) other.set(one, at)
    other.set(name, folder)
    return other
  }

  /** Another one, in which these versions are meant, by the names of cubes. */
  as(meant?: Readonly<Record<string, string>>): Catalogue {
    const other = new Catalogue(this.folder, this.versionOf, this.folders, meant)
    for (const [one, at] of this.added) other.set(one, at)
    return other
  }

  /** The folders of those that were added, by name. */
  others(): ReadonlyMap<string, string> {
    return this.added
  }

  /**
   * A cube by name (`bridge`), or by its folder (`./my-bridge`, from `base` on): as it counts now, unless a version is meant that is
   * known, or is there. A Refusal where there is none.
   */
  find(reference: string, base: string): Promise<CubeFolder> {
    const isPath = reference.startsWith('.') || reference.startsWith('/')
    // A name is one folder, and no way to others.
    if (!isPath && basename(reference) !== reference) throw this.unknown(reference)
    const folder = isPath ? resolve(base, reference) : (this.added.get(reference) ?? join(this.folder, reference))
    const version = own(this.meant, reference)
    const meant = version === undefined ? undefined : this.folders.ever.get(`${version} ${folder}`)
    if (meant !== undefined) return meant.folder
    const isThere = existsSync(join(folder, 'dataplane.ts'))
    const known = this.folders.now.get(folder)
    if (known !== undefined && isThere && !this.isNow(folder, version)) return known.folder
    if (!isPath && !this.names().includes(reference)) throw this.unknown(reference)
    if (!isThere)
      throw refusal(`there is no cube in ${folder}`, 'a cube is a folder with schema.ts, dataplane.ts and control.ts')
    return this.read(folder, isPath)
  }

  private isNow(folder: string, version: string | undefined): boolean {
    return version !== undefined && this.versionOf(join(folder, 'dataplane.ts')) === version
  }

  private read(folder: string, mayChange: boolean): Promise<CubeFolder> {
    const { now, ever, tried } = this.folders
    const version = mayChange ? this.versionOf(join(folder, 'dataplane.ts')) : ''
    const key = `${version} ${folder}`
    const isAnew = tried.has(folder) && version !== ''
    const anew = () => (isAnew ? String(++this.folders.times) : undefined)
    const read = ever.get(key) ?? { folder: readFolder(folder, version, anew()), version }
    tried.add(folder)
    now.set(folder, read)
    if (version !== '') ever.set(key, read)
    // What was not there may come.
    read.folder.catch(() => {
      if (now.get(folder) === read) now.delete(folder)
      if (ever.get(key) === read) ever.delete(key)
    })
    return read.folder
  }

  /**
   * From now on, a folder that was read is as its files are now. Undefined where they are as they were; else it gives what has the
   * folder be again as it was.
   */
  renew(folder: string): (() => void) | undefined {
    const { now } = this.folders
    const before = now.get(folder)
    const dataplane = join(folder, 'dataplane.ts')
    if (before === undefined || !existsSync(dataplane) || this.versionOf(dataplane) === before.version) return undefined
    now.delete(folder)
    return () => now.set(folder, before)
  }

  private unknown(name: string): Refusal {
    return refusal(`there is no cube "${name}"`, `${suggestion(name, this.names())}; a folder of yours: ./my-cube`)
  }
}

async function readFolder(folder: string, version: string, anew: string | undefined): Promise<CubeFolder> {
  const dataplane = join(folder, 'dataplane.ts')
  const { cube } = await defaultOf<DataPlane>(dataplane, anew)
  const path = join(folder, 'control.ts')
  const control = existsSync(path) ? await defaultOf<ControlPlane>(path, anew) : { cube, views: {} }
  return { cube, control, dataplane, ...(version && { version }), ...(anew === undefined ? {} : { anew }) }
}

async function defaultOf<T extends { readonly cube: Cube }>(path: string, anew: string | undefined): Promise<T> {
  mustBeInPackage(path)
  mustMeanThisTessera(path)
  const module: { default?: Partial<T> } = await imported(path, anew)
  if (module.default?.cube === undefined)
    throw refusal(`${path} has no default export of a cube`, `write export default ${basename(path, '.ts')}(…)`)
  return module.default as T
}
