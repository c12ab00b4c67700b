/** Programs that were compiled before: a change of a graph leaves most of its ports, and so their programs, as they are. */
import { compile, type DataPlaneSource, type Specialisation } from '../compiler/compile.ts'
import type { Program } from '../isa/program.ts'

/** As many as a graph of a thousand ports has, twice. The least recently used goes first. */
const CAPACITY = 2048

/** Modules of equal text are the same objects, so they stand for what a source says. */
const known = new WeakMap<DataPlaneSource['module'], { source: DataPlaneSource; programs: Map<string, Program> }>()

/** {@link compile}, or what it gave for the same source and options. */
export function compileOnce(source: DataPlaneSource, options: Specialisation): Program {
  const { programs } = entryOf(source)
  const key = JSON.stringify(options, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
  const before = programs.get(key)
  const program = before ?? compile(source, options)
  programs.delete(key)
  programs.set(key, program)
  const [oldest] = programs.keys()
  if (programs.size > CAPACITY && oldest !== undefined) programs.delete(oldest)
  return program
}

function entryOf(source: DataPlaneSource) {
  const entry = known.get(source.module)
  if (entry !== undefined && sameModules(entry.source, source)) return entry
  const fresh = { source, programs: new Map<string, Program>() }
  known.set(source.module, fresh)
  return fresh
}

const sameModules = (a: DataPlaneSource, b: DataPlaneSource): boolean =>
  a.modules.size === b.modules.size && [...b.modules].every(([path, module]) => a.modules.get(path) === module)
