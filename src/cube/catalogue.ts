import { existsSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import { suggestion } from '../base/suggest.ts'
import type { ControlPlane } from './control.ts'
import type { Cube, DataPlane } from './define.ts'
import { imported, mustBeInPackage } from './import-failure.ts'

/** A cube's folder, read. */
export interface CubeFolder {
  readonly cube: Cube
  readonly control: ControlPlane
  /** Where the compiler finds the data plane. */
  readonly dataplane: string
}

/** The cubes that can be named: every folder with a data plane is one, and those that were added. */
export class Catalogue {
  private readonly folder: string
  private readonly added = new Map<string, string>()
  private readonly known: Map<string, Promise<CubeFolder>>

  constructor(folder: string, known = new Map<string, Promise<CubeFolder>>()) {
    this.folder = folder
    this.known = known
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
    const other = new Catalogue(this.folder, this.known)
    for (const [one, at] of this.added) other.set(one, at)
    other.set(name, folder)
    return other
  }

  /** The folders of those that were added, by name. */
  others(): ReadonlyMap<string, string> {
    return this.added
  }

  /** A cube by name (`bridge`), or by its folder (`./my-bridge`, from `base` on). A Refusal where there is none. */
  find(reference: string, base: string): Promise<CubeFolder> {
    const isPath = reference.startsWith('.') || reference.startsWith('/')
    // A name is one folder, and no way to others.
    if (!isPath && basename(reference) !== reference) throw this.unknown(reference)
    const folder = isPath ? resolve(base, reference) : (this.added.get(reference) ?? join(this.folder, reference))
    const isThere = existsSync(join(folder, 'dataplane.ts'))
    const known = this.known.get(folder)
    if (known !== undefined && isThere) return known
    if (!isPath && !this.names().includes(reference)) throw this.unknown(reference)
    if (!isThere)
      throw refusal(`there is no cube in ${folder}`, 'a cube is a folder with schema.ts, dataplane.ts and control.ts')
    const read = readFolder(folder)
    this.known.set(folder, read)
    // What was not there may come.
    read.catch(() => this.known.delete(folder))
    return read
  }

  private unknown(name: string): Refusal {
    return refusal(`there is no cube "${name}"`, `${suggestion(name, this.names())}; a folder of yours: ./my-cube`)
  }
}

async function readFolder(folder: string): Promise<CubeFolder> {
  const dataplane = join(folder, 'dataplane.ts')
  const { cube } = await defaultOf<DataPlane>(dataplane)
  const control = await controlOf(join(folder, 'control.ts'), cube)
  return { cube, control, dataplane }
}

const controlOf = async (path: string, cube: Cube): Promise<ControlPlane> =>
  existsSync(path) ? defaultOf<ControlPlane>(path) : { cube, views: {} }

async function defaultOf<T extends { readonly cube: Cube }>(path: string): Promise<T> {
  mustBeInPackage(path)
  const module: { default?: Partial<T> } = await imported(path)
  if (module.default?.cube === undefined)
    throw refusal(`${path} has no default export of a cube`, 'write export default dataplane(…) or control(…)')
  return module.default as T
}
