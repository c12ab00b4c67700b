/** From what is there to what is wanted: a list of actions, computed without touching anything. */
import type { Machine, MachineMap } from '../../backend/machine.ts'
import { toHex } from '../../base/bytes.ts'
import type { MapDescription, Program } from '../../isa/program.ts'
import { isLinkPath, isMapPath, isOfWhole, nextPath, programPath, seenPath } from '../graph/paths.ts'
import { fingerprint } from '../stitch/fingerprint.ts'
import type { Owner } from '../stitch/owner.ts'
import { isSameMap } from '../stitch/same-map.ts'
import type { Entry, Wanted, WantedAttachment, WantedProgram, WantedSlot } from '../stitch/stitch.ts'
import type { Met } from '../stitch/structure.ts'
import type { OldCounters } from './counted.ts'
import type { GonePorts } from './gone-ports.ts'
import { areSame, inArrays, staying } from './plan-array.ts'
import { switches } from './switches.ts'

export type Action = Preparation | Step

/** What packets see nothing of: forgetting the pins undoes it. `at` is where it is pinned for now. */
export type Preparation =
  | {
      readonly do: 'create map'
      readonly path: string
      readonly at: string
      readonly description: MapDescription
      readonly entries: readonly Entry[]
    }
  | ({ readonly do: 'copy' } & Copy)
  | {
      readonly do: 'load'
      readonly path: string
      readonly at: string
      readonly program: Program
      /** The paths of maps, by the names that the program uses. */
      readonly maps: Readonly<Record<string, string>>
      readonly owner: Owner
    }
  /** What is in an array will be another program: so that it can be there again. */
  | { readonly do: 'keep'; readonly path: string; readonly slot: number; readonly at: string }
  /** Programs come into an array. */
  | { readonly do: 'install'; readonly path: string; readonly at: string; readonly programs: readonly WantedSlot[] }

/** What packets see, and what tidies up after it. Plain data, for the journal; each can be done twice. */
export type Step =
  | ({ readonly do: 'replace'; readonly path: string } & Sized & Target)
  /** `aside`: what is pinned at the path will be at another one, or no more. */
  | ({ readonly do: 'attach'; readonly path: string; readonly aside?: true } & Sized & Target)
  /** The program comes into the place of one that is pinned at `from`. */
  | ({ readonly do: 'take over'; readonly path: string; readonly from: string } & Sized & Target)
  | ({ readonly do: 'detach'; readonly path: string } & Target)
  /** What is at `from` comes into an array: where nobody goes over to it yet, or in the place of another one. */
  | ({ readonly do: 'fill' | 'exchange'; readonly from: string } & Slot & Sized)
  /** Nobody goes over to it any more. */
  | ({ readonly do: 'empty' } & Slot)
  | { readonly do: 'settle'; readonly path: string }
  /** What only packets of the old graph came to is detached. */
  | ({ readonly do: 'retire'; readonly path: string } & Target)
  /** What has been taken over lies aside, for what is pinned at the path may be at another one. */
  | ({ readonly do: 'hand over'; readonly path: string; readonly from: string } & Target)
  | ({ readonly do: 'keep counts' } & OldCounters)
  | ({ readonly do: 'copy again' } & Copy)
  /** When nobody writes such entries any more. */
  | { readonly do: 'forget ports'; readonly path: string; readonly tables: readonly GonePorts[] }
  | { readonly do: 'adopt'; readonly path: string }
  | { readonly do: 'remove'; readonly path: string }

export type Target = Pick<WantedAttachment, 'interface' | 'index' | 'point'>

interface Slot {
  /** Of the array. */
  readonly path: string
  readonly slot: number
}

/** For people. */
export interface Sized {
  readonly instructions: number
  /** Whose data planes are in the program, where there are several. */
  readonly instances?: readonly string[]
}

/** Entries of a map that another one takes the place of. */
export interface Copy {
  readonly path: string
  /** How the map is described that they come from. */
  readonly from: MapDescription
}

/** What a machine has pinned for a graph, as far as the plan asks. */
export interface Present {
  /** Pinned paths, deepest first. */
  readonly paths: readonly string[]
  /** Wanted maps that are there, described as wanted, with the entries that are wanted. */
  readonly sameMaps: ReadonlySet<string>
  /** How others are described whose entries are to be kept. */
  readonly kept: ReadonlyMap<string, MapDescription>
  /** Counters that will be others. */
  readonly counters?: readonly OldCounters[] | undefined
  /** What tables may name that is removed. */
  readonly gone?: readonly GonePorts[] | undefined
  /** Attachments that are there. */
  readonly attachments: ReadonlyMap<string, Target>
  /** The fingerprints of their programs, where they are known. */
  readonly programs?: Readonly<Record<string, string>> | undefined
  /** Of a graph with an array of programs, where that is known. */
  readonly met?: Met | undefined
}

/**
 * Looks, and changes nothing but pins of attachments whose interfaces are gone. `recorded` is how maps were described when they
 * were made, where that is known.
 */
export const observe = (
  machine: Machine,
  wanted: Wanted,
  recorded: (path: string) => MapDescription | undefined = () => undefined,
): Present => machine.inBulk(() => observeAll(machine, wanted, recorded))

function observeAll(machine: Machine, wanted: Wanted, recorded: (path: string) => MapDescription | undefined): Present {
  const paths = machine.pinned(wanted.graph)
  const pinned = new Set(paths)
  const sameMaps = new Set<string>()
  for (const [path, description] of Object.entries(wanted.maps)) {
    if (!pinned.has(path) || !isSameMap(recorded(path) ?? description, description)) continue
    using map = machine.openMap(path, description)
    if (map !== undefined && hasEntries(map, wanted.entries[path])) sameMaps.add(path)
  }
  const attachments = new Map<string, Target>()
  for (const path of paths.filter(isLinkPath)) {
    using attachment = machine.openAttachment(path)
    if (attachment === undefined) continue
    const { interface: on, point } = attachment
    attachments.set(path, { interface: on.name, index: on.index, point })
  }
  return { paths, sameMaps, attachments, kept: new Map() }
}

function hasEntries(map: MachineMap, wanted: readonly Entry[] | undefined): boolean {
  if (wanted === undefined) return true
  const there = new Map(map.entries().map(([key, value]) => [toHex(key), toHex(value)]))
  return there.size === wanted.length && wanted.every(([key, value]) => there.get(toHex(key)) === toHex(value))
}

/**
 * The actions, in an order in which each packet finds what it needs: what is new before what goes, programs before maps. What
 * takes the place of something that packets use is pinned aside until they are done with that.
 */
export function plan(present: Present, wanted: Wanted): Action[] {
  const pinned = new Set(present.paths)
  const aside = (path: string): string => (pinned.has(path) ? nextPath(path) : path)
  const same = staying(present, wanted)
  const newMaps = Object.entries(wanted.maps).filter(([path]) => !same.has(path))
  const pathNow = new Map(newMaps.map(([path]) => [path, aside(path)]))
  const mapsNow = (maps: WantedProgram['maps']): WantedProgram['maps'] =>
    Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, pathNow.get(map) ?? map]))
  const copies = newMaps.flatMap(([path]): Copy[] => {
    const from = present.kept.get(path)
    return from === undefined ? [] : [{ path, from }]
  })
  const attachments = Object.entries(wanted.attachments)
  const loads = attachments
    .filter(([path, wanted]) => !pinned.has(programPath(path)) || !isSame(present, same, path, wanted))
    .map(([path, { program, maps, owner }]): Action & { do: 'load' } => ({
      do: 'load',
      path,
      at: aside(programPath(path)),
      program,
      maps: mapsNow(maps),
      owner,
    }))
  // What is made anew is empty.
  const tables = (present.gone ?? []).filter(
    ({ path }) => same.has(path) || (path in wanted.maps && present.kept.has(path)),
  )
  const inArray = inArrays(present, wanted, same, mapsNow)
  const rest = surplus(present, wanted)
  const { before, after, renamed } = switches(present, wanted, new Set(loads.map(({ path }) => path)))
  const retired = [...present.attachments].flatMap(([path, target]): Step[] =>
    isOfWhole(path) && !(path in wanted.attachments) ? [{ do: 'retire', path, ...target }] : [],
  )
  // Packets on their way may need what is taken from under them, such as the next program, or name ports that are no more.
  const isLeft =
    retired.length > 0 ||
    inArray.steps.length > 0 ||
    tables.length > 0 ||
    newMaps.some(([path]) => pinned.has(path)) ||
    (attachments.length > 0 && rest.some(isMapPath))
  return [
    ...newMaps.map(([path, description]): Action => {
      const entries = wanted.entries[path] ?? []
      return { do: 'create map', path, at: pathNow.get(path) ?? path, description, entries }
    }),
    ...newMaps
      .filter(([path]) => path in wanted.slots)
      .map(([path]): Action => {
        const programs = (wanted.slots[path] ?? []).map((slot) => ({ ...slot, maps: mapsNow(slot.maps) }))
        return { do: 'install', path, at: pathNow.get(path) ?? path, programs }
      }),
    ...inArray.preparations,
    ...loads,
    // Last, because what is written from here on until programs are switched has to be copied again.
    ...copies.map((copy): Action => ({ do: 'copy', ...copy })),
    ...inArray.steps.filter((step) => step.do === 'fill'),
    ...before,
    ...inArray.steps.filter((step) => step.do === 'exchange'),
    ...(after.length > 0 ? [{ do: 'settle', path: wanted.graph } as const] : []),
    ...after,
    ...(isLeft ? [{ do: 'settle', path: wanted.graph } as const] : []),
    ...retired,
    ...inArray.steps.filter((step) => step.do === 'empty'),
    ...copies.map((copy): Action => ({ do: 'copy again', ...copy })),
    ...(present.counters ?? []).map((old): Action => ({ do: 'keep counts', ...old })),
    ...renamed,
    ...newMaps.filter(([path]) => pinned.has(path)).map(([path]): Action => ({ do: 'adopt', path })),
    ...(tables.length > 0 ? [{ do: 'forget ports', path: wanted.graph, tables } as const] : []),
    ...loads
      .filter(({ path }) => pinned.has(programPath(path)))
      .map(({ path }): Action => ({ do: 'adopt', path: programPath(path) })),
    ...copies.map(({ path }): Action => ({ do: 'remove', path: seenPath(path) })),
    ...inArray.preparations.map(({ at }): Action => ({ do: 'remove', path: at })),
    ...rest.map((path): Action => ({ do: 'remove', path })),
  ]
}

/** What is pinned and not wanted, but for attachments, which are detached. */
function surplus(present: Present, { maps, attachments }: Wanted): string[] {
  const wanted = new Set([
    ...Object.keys(maps),
    ...Object.keys(attachments),
    ...Object.keys(attachments).map(programPath),
  ])
  return present.paths.filter((path) => !wanted.has(path) && !present.attachments.has(path))
}

/** Whether what runs is what is wanted, to the instruction, on maps that stay. */
const isSame = ({ programs }: Present, same: ReadonlySet<string>, path: string, wanted: WantedAttachment): boolean =>
  programs?.[path] === fingerprint(wanted.program) && areSame(same, wanted)

/** The actions for people, a line each; those are left out that only keep the engine's own things in order. */
export const describeActions = (actions: readonly Action[]): string[] =>
  actions.flatMap((action): string[] => {
    switch (action.do) {
      case 'create map': {
        const { kind, entries } = action.description
        const sign = action.at === action.path ? '+' : '~'
        return [`${sign} map      ${action.path} (${kind}, ${entries} entries)`]
      }
      case 'copy':
        return [`~ entries  ${action.path} are kept`]
      case 'attach':
        return [`+ program  ${action.path} on ${action.interface} (${action.point}, ${size(action)})`]
      case 'replace':
      case 'take over':
        return [`~ program  ${action.path} on ${action.interface} (${action.point}, ${size(action)})`]
      case 'fill':
      case 'exchange':
        return [`${action.do === 'fill' ? '+' : '~'} program  ${action.path} [${action.slot}] (${size(action)})`]
      case 'detach':
      case 'retire':
        return [`- program  ${action.path}`]
      case 'forget ports':
        return action.tables.map(({ path, ports }) => {
          const names = Object.keys(ports)
          return `- entries  ${path} that name the port${names.length > 1 ? 's' : ''} ${names.join(', ')}`
        })
      case 'remove':
        return action.path.includes('/@') ? [] : [`- ${action.path}`]
      default:
        return []
    }
  })

const size = ({ instructions, instances }: Sized): string =>
  `${instructions} instructions${instances === undefined ? '' : ` of ${instances.join(', ')}`}`
