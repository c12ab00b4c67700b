/** Programs that were compiled before: ports that are alike share one, and a change of a graph leaves most of them as they are. */
import { compile, compileShared, type DataPlaneSource, type Specialisation, wired } from '../compiler/compile.ts'
import { bind, type SharedProgram } from '../compiler/shared.ts'
import { opened } from '../compiler/wired.ts'
import type { Program } from '../isa/program.ts'

/** As many as a graph of a thousand ports has, twice. The least recently used goes first. */
const CAPACITY = 2048

interface Known {
  readonly source: DataPlaneSource
  readonly programs: Map<string, Program>
  /** By the shape of their wiring. False where its numbers decide more than themselves. */
  readonly shared: Map<string, SharedProgram | false>
}

/** Modules of equal text are the same objects, so they stand for what a source says. */
const known = new WeakMap<DataPlaneSource['module'], Known>()

/** {@link compile}, or what it gave for the same source and options. */
export function compileOnce(source: DataPlaneSource, options: Specialisation): Program {
  const { programs, shared } = entryOf(source)
  return remembered(programs, keyOf(options), () => {
    const { name, ...others } = options
    const { wiring, numbers } = opened(wired(source, options))
    const shape = keyOf({ ...others, wiring })
    const found = remembered(shared, shape, () => compileShared(source, options) ?? false)
    return found === false ? compile(source, options) : bind(found, name, numbers)
  })
}

const keyOf = (options: object): string =>
  JSON.stringify(options, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))

function remembered<T>(all: Map<string, T>, key: string, make: () => T): T {
  const before = all.get(key)
  const one = before ?? make()
  all.delete(key)
  all.set(key, one)
  const [oldest] = all.keys()
  if (all.size > CAPACITY && oldest !== undefined) all.delete(oldest)
  return one
}

function entryOf(source: DataPlaneSource): Known {
  const entry = known.get(source.module)
  if (entry !== undefined && sameModules(entry.source, source)) return entry
  const fresh: Known = { source, programs: new Map(), shared: new Map() }
  known.set(source.module, fresh)
  return fresh
}

const sameModules = (a: DataPlaneSource, b: DataPlaneSource): boolean =>
  a.modules.size === b.modules.size && [...b.modules].every(([path, module]) => a.modules.get(path) === module)
