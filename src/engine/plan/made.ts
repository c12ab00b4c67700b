/** What a graph was made of: where all of that is as it was, planning it again would find nothing to do. */
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../../backend/machine.ts'
import { Refusal } from '../../base/diagnostic.ts'
import type { CubeFolder } from '../../cube/catalogue.ts'
import { type Graph, type GraphFile, type InterfaceName, interfaceText } from '../graph/graph.ts'
import { isHere } from '../graph/home.ts'
import { interfacesOf } from '../graph/ports.ts'
import { nothing } from '../stitch/stitch.ts'
import { observe } from './plan.ts'
import { type Records, type Running, VERSION } from './records.ts'
import { stampOfCube, stampOfFile } from './sources.ts'

export interface Made {
  /** Equal for the same compiler and the same files of cubes. */
  readonly by: string
  /** {@link numbersOf} */
  readonly interfaces: string
}

interface Parts {
  readonly machine: Machine
  readonly records: Records
  /** Another one for another compiler; unless known, nothing is known to be as it was. */
  readonly build?: (() => string) | undefined
}

/** Which interfaces the names of a graph stand for just now. */
export const numbersOf = (machine: Machine, graph: Graph): string =>
  machine.inBulk(() => interfacesOf(graph).map((one) => numberOf(machine, one))).join()

function numberOf(machine: Machine, one: InterfaceName): number | string {
  try {
    return machine.interface(interfaceText(one))?.index ?? ''
  } catch (error) {
    if (error instanceof Refusal) return '?'
    throw error
  }
}

/** The numbers of the interfaces that it was made for, by their names, as far as they were there. */
export function madeNumbers({ graph, made }: Running): ReadonlyMap<string, number> {
  const numbers = made?.interfaces.split(',') ?? []
  const names = made === undefined ? [] : interfacesOf(graph).map(interfaceText)
  return new Map(names.flatMap((name, at) => (Number(numbers[at]) > 0 ? [[name, Number(numbers[at])] as const] : [])))
}

/** Undefined where nobody can tell. */
export function madeOf(
  { machine, build }: Parts,
  graph: Graph,
  cubes: ReadonlyMap<string, CubeFolder>,
): Made | undefined {
  return build === undefined ? undefined : { by: makers(build(), cubes), interfaces: numbersOf(machine, graph) }
}

function makers(build: string, cubes: ReadonlyMap<string, CubeFolder>): string {
  const hash = createHash('sha256').update(build)
  for (const [name, { dataplane, version = stampOfCube(dataplane) }] of cubes) hash.update(`\0${name}\0${version}`)
  return hash.digest('hex').slice(0, 16)
}

/** Of the sources in a folder: another one after any of them was edited, copied or replaced. */
export function stampOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const stamps = files.sort().map((file) => stampOfFile(join(folder, file)))
  return createHash('sha256')
    .update(`${folder}\n${stamps.join('\n')}`)
    .digest('hex')
}

/** Whether a graph runs just as this file says, made by this compiler, on the interfaces that are there now. Compiles nothing. */
export function isCurrent(parts: Parts, { file, graph, cubes }: GraphFile): boolean {
  const { machine, records } = parts
  const running = records.read(graph.name)
  if (running?.version !== VERSION || running.state !== 'applied' || running.look !== undefined) return false
  if (!isHere(machine, running) || running.file !== file) return false
  const made = madeOf(parts, graph, cubes)
  if (made === undefined || JSON.stringify(running.made) !== JSON.stringify(made)) return false
  if (JSON.stringify(running.graph) !== JSON.stringify(graph)) return false
  const { paths, attachments } = observe(machine, nothing(graph.name))
  const pinned = new Set(paths)
  return (
    Object.keys(running.maps.at).every((path) => pinned.has(path)) &&
    Object.keys(running.programs).every((path) => attachments.has(path))
  )
}
