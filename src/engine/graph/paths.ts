/** Where things of a graph are pinned. */
import { PROGRAMS } from '../../compiler/assembly.ts'
import { MAP } from '../../compiler/wiring.ts'
import type { AttachPoint } from '../../isa/program.ts'

export const mapPath = (graph: string, instance: string, map: string): string => `${graph}/${instance}/maps/${map}`

/** Whether a path is one of {@link mapPath}. */
export const isMapPath = (path: string): boolean => !path.includes('/@') && path.split('/')[2] === 'maps'

/** Stands for an instance in the paths of what belongs to the whole graph. No instance has such a name. */
export const WHOLE = '+graph'

/** Whether a path is of something that belongs to no instance. */
export const isOfWhole = (path: string): boolean => path.split('/')[1] === WHOLE

/** The time of all programs, where tests move it. */
export const clockPath = (graph: string): string => mapPath(graph, WHOLE, MAP.clock)

/** How many copies may still be made (compiler/lower/copies.ts). */
export const copiesLeftPath = (graph: string): string => mapPath(graph, WHOLE, 'copies')

/** What is seen, for somebody who looks. */
export const lookPath = (graph: string, map: string): string => mapPath(graph, WHOLE, map.slice(map.indexOf('/') + 1))

/** The array of programs. */
export const arrayPath = (graph: string): string => mapPath(graph, WHOLE, PROGRAMS)

/** A program on its way into that array. */
export const slotPath = (graph: string, slot: number): string => `${graph}/${WHOLE}/slots/${slot}`

/** By hook, so that a program of the one can be there before that of the other goes. */
const FOLDER: Readonly<Record<AttachPoint, string>> = {
  'tc ingress': 'links',
  'tc egress': 'egress',
  'xdp native': 'xdp',
  'xdp generic': 'xdp',
}

/** `port`: its name, or that of an interface, in which most characters may be, and in a path few: `eth0=2E100` for `eth0.100`, `blue=2Feth0` for that of a namespace. */
export const linkPath = (graph: string, instance: string, port: string, point: AttachPoint): string =>
  `${graph}/${instance}/${FOLDER[point]}/${port.replace(/[^A-Za-z0-9_:+-]/gu, encoded)}`

const encoded = (character: string): string =>
  [...new TextEncoder().encode(character)]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')

/** Whether a path is one of {@link linkPath}. */
export const isLinkPath = (path: string): boolean =>
  !path.includes('/@') && Object.values(FOLDER).includes(path.split('/')[2] ?? '')

/** No instance has a name with an @ in it. */
const beside = (folder: string) => (path: string) => path.replace('/', `/@${folder}/`)

/** The program of an attachment, by itself: links and filters do not give back the one that they have. */
export const programPath = beside('programs')

/** What will be pinned at a path when no packet needs what is there any more. */
export const nextPath = beside('next')

/** What was there before: the entries of a map when they were copied first, or a program. */
export const seenPath = beside('seen')

/** The program that was in an array before another one came into its place there. */
export const keptPath = (array: string, slot: number): string => seenPath(slotPath(array.split('/')[0] ?? '', slot))

/** Where something lies while a graph changes, and at no other time. */
export const asideFolders = (graph: string): readonly string[] => [`${graph}/@next`, `${graph}/@seen`]

/** Whether it is in one of {@link asideFolders}. */
export const isAside = (path: string): boolean => /^[^/]+\/@(next|seen)\//.test(path)
