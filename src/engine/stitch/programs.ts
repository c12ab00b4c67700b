/** Programs that were compiled before: those that are alike share one, and a change of a graph leaves most of them as they are. */
import { Refusal } from '../../base/diagnostic.ts'
import type { Assembly } from '../../compiler/assembly.ts'
import { PROGRAMS } from '../../compiler/assembly.ts'
import { assemble, assembleShared, type DataPlaneSource, isRight, sortWays } from '../../compiler/compile.ts'
import { Excess } from '../../compiler/excess.ts'
import { type NumberKind, type OpenAssembly, openAssembly } from '../../compiler/open.ts'
import { bind, Decisive, type SharedProgram } from '../../compiler/shared.ts'
import { type Open, Wired } from '../../compiler/wired.ts'
import { programsMap } from '../../compiler/wiring.ts'
import type { MapDescription, Program } from '../../isa/program.ts'

/** As many as a graph of four thousand ports has, and half as many more. The least recently used goes first. */
const CAPACITY = 8192

/** By all that decides them: a change of a graph leaves most of them as they are. */
const assembled = new Map<string, Program>()

/** Programs with open numbers. Undefined where the program is to be compiled for its own numbers. */
const shapes = new Map<string, Shape | undefined>()

type Shape = { readonly shared: SharedProgram } | { readonly excess: Excess }

/** {@link assemble}, or what it gave for the same sources and the rest. */
export const assembleOnce = (assembly: Assembly): Program =>
  remembered(assembled, keyOf(assembly), () => {
    const sorted = sortWays(assembly)
    return fromShape(sorted) ?? assemble(sorted)
  })

/** The program, if it shares one with others that are alike. Who looks wants numbers that are its own. */
function fromShape(assembly: Assembly): Program | undefined {
  if (assembly.look !== undefined) return undefined
  for (;;) {
    const open = openAssembly(assembly, isLeftOpen)
    const key = keyOf(open.assembly)
    const shape = shapes.has(key) ? shapes.get(key) : shapeOf(assembly, open)
    if (shape === 'once more') continue
    remembered(shapes, key, () => shape)
    if (shape === undefined) return undefined
    if ('excess' in shape) throw shape.excess
    const { numbers, instances } = open
    return bind(shape.shared, { name: assembly.name, numbers, maps: mapsFor(assembly, instances) })
  }
}

/** `<number>/<map>` becomes `<instance>/<map>`. The clock is one for all instances, and so are programs and the number of copies. */
function mapsFor({ slots = 0 }: Assembly, instances: readonly string[]) {
  return (name: string, description: MapDescription): readonly [string, MapDescription] => {
    if (name === PROGRAMS) return [name, programsMap(slots)]
    const [number, map] = name.split('/')
    const instance = instances[Number(number)]
    return [map === undefined || instance === undefined ? name : `${instance}/${map}`, description]
  }
}

/** `once more`: it was found out which numbers have to be known. */
function shapeOf(assembly: Assembly, open: OpenAssembly): Shape | 'once more' | undefined {
  try {
    return { shared: assembleShared(open.assembly) }
  } catch (error) {
    if (error instanceof Excess) return { excess: error }
    const isRefused = error instanceof Refusal
    if (!isRefused && !(error instanceof Decisive)) throw error
    const decisive = isRefused
      ? refusedKinds(assembly, open)
      : error.wired.flatMap(({ places }) => places.flatMap((place) => open.kinds[place] ?? []))
    return decisive.map(keepKnown).includes(true) ? 'once more' : undefined
  }
}

/** What is refused because of a number that is not known may be right with one that is. */
function refusedKinds(assembly: Assembly, { kinds }: OpenAssembly): readonly NumberKind[] {
  const isRightWith = (leaves: (kind: NumberKind) => boolean): boolean =>
    isRight(openAssembly(assembly, leaves).assembly)
  if (!isRightWith(() => false)) return []
  const different = kinds.filter((kind, index) => kinds.findIndex((other) => isSameKind(kind, other)) === index)
  return different.filter((kind) => !isRightWith((other) => isSameKind(kind, other)))
}

const isSameKind = (a: NumberKind, b: NumberKind): boolean => a.what === b.what && a.source === b.source

interface Known {
  /** Of no other source. */
  readonly number: number
  readonly source: DataPlaneSource
  /** Numbers that decide more than themselves. */
  readonly decisive: Set<string>
}

const isLeftOpen = ({ source, what }: NumberKind): boolean =>
  source === undefined || !entryOf(source).decisive.has(what)

/** False where they are not the source's, or known already. */
function keepKnown({ source, what }: NumberKind): boolean {
  const decisive = source && entryOf(source).decisive
  if (decisive === undefined || decisive.has(what)) return false
  decisive.add(what)
  return true
}

/** Modules of equal text are the same objects, so they stand for what a source says. */
let sourceNumbers = 0
const known = new WeakMap<DataPlaneSource['module'], Known>()

const ofSources = new WeakMap<DataPlaneSource, Known>()

function entryOf(source: DataPlaneSource): Known {
  const found = ofSources.get(source) ?? entryOfModules(source)
  ofSources.set(source, found)
  return found
}

function entryOfModules(source: DataPlaneSource): Known {
  const entry = known.get(source.module)
  if (entry !== undefined && sameModules(entry.source, source)) return entry
  const fresh: Known = { number: sourceNumbers++, source, decisive: new Set() }
  known.set(source.module, fresh)
  return fresh
}

const sameModules = (a: DataPlaneSource, b: DataPlaneSource): boolean =>
  a === b ||
  (a.modules.size === b.modules.size && [...b.modules].every(([path, module]) => a.modules.get(path) === module))

const keyOf = ({ nodes, ...common }: Assembly<Open>): string =>
  JSON.stringify({
    ...common,
    nodes: nodes.map(({ source, config, port, ...rest }) => [
      entryOf(source).number,
      keyOfSettings(config),
      port && [port.id, keyOfSettings(port.config)],
      rest,
    ]),
  })

/** As it is where JSON has words for all of it, which most settings are; else their text. */
const keyOfSettings = (settings: Readonly<Record<string, unknown>>): unknown =>
  Object.values(settings).every(
    (value) => typeof value !== 'bigint' && (typeof value !== 'object' || value instanceof Wired),
  )
    ? settings
    : JSON.stringify(settings, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))

function remembered<K, T>(all: Map<K, T>, key: K, make: () => T): T {
  const before = all.get(key)
  const one = before ?? make()
  all.delete(key)
  all.set(key, one)
  if (all.size <= CAPACITY) return one
  const [oldest] = all.keys()
  if (oldest !== undefined) all.delete(oldest)
  return one
}
