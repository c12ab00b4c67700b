/** From what is there to what is wanted: a list of actions, computed without touching anything. */
import { createHash } from 'node:crypto'
import type { Machine, MachineMap } from '../backend/machine.ts'
import { toHex } from '../base/bytes.ts'
import { encode } from '../isa/encode.ts'
import type { MapDescription, Program } from '../isa/program.ts'
import { MAP } from '../lang/engine-names.ts'
import type { OldCounters } from './counted.ts'
import { isSameMap } from './migrate.ts'
import type { Owner } from './owner.ts'
import { isLinkPath, isMapPath, isOfWhole, nextPath, programPath, seenPath } from './paths.ts'
import type { Entry, Wanted, WantedAttachment, WantedProgram, WantedSlot } from './stitch.ts'

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
  /** Programs come into an array. */
  | { readonly do: 'install'; readonly path: string; readonly at: string; readonly programs: readonly WantedSlot[] }

/** What packets see, and what tidies up after it. Plain data, for the journal; each can be done twice. */
export type Step =
  | ({ readonly do: 'attach' | 'replace'; readonly path: string } & Sized & Target)
  | ({ readonly do: 'detach'; readonly path: string } & Target)
  | { readonly do: 'settle'; readonly path: string }
  /** What only packets of the old graph came to is detached. */
  | ({ readonly do: 'retire'; readonly path: string } & Target)
  | ({ readonly do: 'keep counts' } & OldCounters)
  | ({ readonly do: 'copy again' } & Copy)
  | { readonly do: 'adopt'; readonly path: string }
  | { readonly do: 'remove'; readonly path: string }

type Target = Pick<WantedAttachment, 'interface' | 'point'>

/** For people. */
interface Sized {
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
  /** Attachments that are there. */
  readonly attachments: ReadonlyMap<string, Target>
  /** The fingerprints of their programs, where they are known. */
  readonly programs?: Readonly<Record<string, string>> | undefined
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
    if (attachment !== undefined)
      attachments.set(path, { interface: attachment.interface.name, point: attachment.point })
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
  const rest = surplus(present, wanted)
  const retired = [...present.attachments].flatMap(([path, target]): Step[] =>
    isOfWhole(path) && !(path in wanted.attachments) ? [{ do: 'retire', path, ...target }] : [],
  )
  // Packets on their way may need what is taken from under them, such as the next program.
  const isLeft =
    retired.length > 0 || newMaps.some(([path]) => pinned.has(path)) || (attachments.length > 0 && rest.some(isMapPath))
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
    ...loads,
    // Last, because what is written from here on until programs are switched has to be copied again.
    ...copies.map((copy): Action => ({ do: 'copy', ...copy })),
    ...switches(present, wanted, new Set(loads.map(({ path }) => path))),
    ...(isLeft ? [{ do: 'settle', path: wanted.graph } as const] : []),
    ...retired,
    ...copies.map((copy): Action => ({ do: 'copy again', ...copy })),
    ...(present.counters ?? []).map((old): Action => ({ do: 'keep counts', ...old })),
    ...newMaps.filter(([path]) => pinned.has(path)).map(([path]): Action => ({ do: 'adopt', path })),
    ...loads
      .filter(({ path }) => pinned.has(programPath(path)))
      .map(({ path }): Action => ({ do: 'adopt', path: programPath(path) })),
    ...copies.map(({ path }): Action => ({ do: 'remove', path: seenPath(path) })),
    ...rest.map((path): Action => ({ do: 'remove', path })),
  ]
}

/** Programs come, change and go. A moved one leaves its old interface before its pin's name can be used again. */
function switches(present: Present, { attachments }: Wanted, loaded: ReadonlySet<string>): Step[] {
  const isMoved = (path: string): boolean => {
    const [now, then] = [present.attachments.get(path), attachments[path]]
    return now !== undefined && then !== undefined && (now.interface !== then.interface || now.point !== then.point)
  }
  const put = (path: string, wanted: WantedAttachment, how: 'attach' | 'replace'): Step => {
    const { interface: on, point, program } = wanted
    const instances = instancesOf(program)
    const more = instances.length > 1 ? { instances } : {}
    return { do: how, path, interface: on, point, instructions: program.instructions.length, ...more }
  }
  const wanted = Object.entries(attachments)
  const detached = [...present.attachments].map(([path, target]): Step => ({ do: 'detach', path, ...target }))
  return [
    ...detached.filter(({ path }) => isMoved(path)),
    ...wanted
      .filter(([path]) => !present.attachments.has(path) || isMoved(path))
      .map(([path, attachment]) => put(path, attachment, 'attach')),
    ...wanted
      .filter(([path]) => present.attachments.has(path) && !isMoved(path) && loaded.has(path))
      .map(([path, attachment]) => put(path, attachment, 'replace')),
    ...detached.filter(({ path }) => !(path in attachments) && !isOfWhole(path)),
  ]
}

/** Those with a data plane in it: each counts. */
const instancesOf = ({ maps }: Program): readonly string[] =>
  Object.keys(maps).flatMap((name) => {
    const [instance = '', map] = name.split('/')
    return map === MAP.counters ? [instance] : []
  })

/** What is pinned and not wanted, but for attachments, which are detached. */
function surplus(present: Present, { maps, attachments }: Wanted): string[] {
  const wanted = new Set([
    ...Object.keys(maps),
    ...Object.keys(attachments),
    ...Object.keys(attachments).map(programPath),
  ])
  return present.paths.filter((path) => !wanted.has(path) && !present.attachments.has(path))
}

/** Maps that stay. An array of programs does if all maps do that those refer to. */
function staying({ sameMaps }: Present, { slots }: Wanted): ReadonlySet<string> {
  const goes = Object.entries(slots).filter(([path, programs]) =>
    programs.some(({ program, maps }) =>
      Object.keys(program.maps).some((name) => maps[name] !== path && !sameMaps.has(maps[name] ?? '')),
    ),
  )
  const gone = new Set(goes.map(([path]) => path))
  return new Set([...sameMaps].filter((path) => !gone.has(path)))
}

/** Whether what runs is what is wanted, to the instruction, on maps that stay. */
const isSame = (
  { programs }: Present,
  same: ReadonlySet<string>,
  path: string,
  { program, maps }: WantedAttachment,
): boolean =>
  programs?.[path] === fingerprint(program) && Object.keys(program.maps).every((name) => same.has(maps[name] ?? ''))

/** Equal for programs that do the same, wherever their lines are. */
export function fingerprint({ instructions }: Program): string {
  const known = fingerprints.get(instructions)
  if (known !== undefined) return known
  const maps = instructions.flatMap(({ map, mapValue = '' }, index) =>
    map === undefined ? [] : [`${index} ${map} ${mapValue}`],
  )
  const made = createHash('sha256').update(encode(instructions)).update(maps.join()).digest('hex')
  fingerprints.set(instructions, made)
  return made
}

/** Most programs of a graph stay the same when it changes. */
const fingerprints = new WeakMap<Program['instructions'], string>()

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
        return [`+ program  ${action.path} on ${action.interface} (${size(action)})`]
      case 'replace':
        return [`~ program  ${action.path} on ${action.interface} (${size(action)})`]
      case 'detach':
      case 'retire':
        return [`- program  ${action.path}`]
      case 'remove':
        return action.path.includes('/@') ? [] : [`- ${action.path}`]
      default:
        return []
    }
  })

const size = ({ point, instructions, instances }: Sized & Target): string =>
  `${point}, ${instructions} instructions${instances === undefined ? '' : ` of ${instances.join(', ')}`}`
