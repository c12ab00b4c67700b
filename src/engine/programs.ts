/** Programs that were compiled before: ports that are alike share one, and a change of a graph leaves most of them as they are. */
import type { Assembly } from '../compiler/assembly.ts'
import {
  assemble,
  compile,
  compileShared,
  type DataPlaneSource,
  type Specialisation,
  wired,
} from '../compiler/compile.ts'
import { bind, type SharedProgram } from '../compiler/shared.ts'
import { opened } from '../compiler/wired.ts'
import { MAP } from '../compiler/wiring.ts'
import type { Program } from '../isa/program.ts'

/** As many as a graph of four thousand ports has, twice. The least recently used goes first. */
const CAPACITY = 8192

/** Of data planes together. */
const assembled = new Map<string, Program>()

/** {@link assemble}, or what it gave for the same sources and the rest. */
export function assembleOnce(assembly: Assembly): Program {
  const nodes = assembly.nodes.map(({ source, ...rest }) => [entryOf(source).number, rest])
  return remembered(assembled, keyOf({ ...assembly, nodes }), () => alone(assembly) ?? assemble(assembly))
}

/** A program of one data plane between interfaces, which it shares with others that are alike. */
function alone({ nodes, slots: _, ...common }: Assembly): Program | undefined {
  const [node, ...more] = nodes
  if (node?.port === undefined || node.sends !== undefined || more.length > 0) return undefined
  if (common.passesMarked || common.look) return undefined
  const exits = node.ways.flatMap((way) => (way.to === 'interface' && !way.peer && !way.marked ? [way] : []))
  if (exits.length < node.ways.length) return undefined
  const { source, config, port, capacity, instance } = node
  const wiring = {
    port: port.id,
    exits: exits.map(({ port, ifindex }) => ({ port, ifindex })),
    capacity,
  }
  return prefixed(compileOnce(source, { ...common, config, port: port.config, wiring }), `${instance}/`)
}

/** All maps but the clock, which is one for all instances. */
function prefixed(program: Program, prefix: string): Program {
  const nameOf = (map: string): string => (map === MAP.clock ? map : `${prefix}${map}`)
  return {
    ...program,
    maps: Object.fromEntries(Object.entries(program.maps).map(([name, map]) => [nameOf(name), map])),
    instructions: program.instructions.map((one) => (one.map === undefined ? one : { ...one, map: nameOf(one.map) })),
  }
}

interface Known {
  /** Of no other source. */
  readonly number: number
  readonly source: DataPlaneSource
  readonly programs: Map<string, Program>
  /** By the shape of their wiring. False where its numbers decide more than themselves. */
  readonly shared: Map<string, SharedProgram | false>
}

/** Modules of equal text are the same objects, so they stand for what a source says. */
let numbers = 0
const known = new WeakMap<DataPlaneSource['module'], Known>()

/** {@link compile}, or what it gave for the same source and options. */
function compileOnce(source: DataPlaneSource, options: Specialisation): Program {
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
  numbers++
  const fresh: Known = { number: numbers, source, programs: new Map(), shared: new Map() }
  known.set(source.module, fresh)
  return fresh
}

const sameModules = (a: DataPlaneSource, b: DataPlaneSource): boolean =>
  a.modules.size === b.modules.size && [...b.modules].every(([path, module]) => a.modules.get(path) === module)
