/** From what is there to what is wanted: a list of actions, computed without touching anything. */
import { createHash } from 'node:crypto'
import type { Machine } from '../backend/machine.ts'
import { toHex } from '../base/bytes.ts'
import { encode } from '../isa/encode.ts'
import type { AttachPoint, MapDescription, Program } from '../isa/program.ts'
import { type Entry, isLinkPath, type Wanted, type WantedAttachment } from './stitch.ts'

export type Action =
  | { readonly do: 'create map'; readonly path: string; readonly description: MapDescription }
  | { readonly do: 'set entries'; readonly path: string; readonly entries: readonly Entry[] }
  | { readonly do: 'clear entries'; readonly path: string; readonly keys: readonly Uint8Array[] }
  | ({ readonly do: 'attach' | 'replace'; readonly path: string } & WantedAttachment)
  | { readonly do: 'detach'; readonly path: string }
  | { readonly do: 'remove'; readonly path: string }

/** What a machine has pinned for a graph, as far as the plan asks. */
export interface Present {
  /** Pinned paths, deepest first. */
  readonly paths: readonly string[]
  /** Wanted maps that are there, described as wanted. */
  readonly sameMaps: ReadonlySet<string>
  /** Attachments that are there. */
  readonly attachments: ReadonlyMap<string, Pick<WantedAttachment, 'interface' | 'point'>>
  /** Entries of maps that are there, as far as some are wanted. */
  readonly entries?: ReadonlyMap<string, readonly Entry[]> | undefined
  /** The fingerprints of their programs, where they are known. */
  readonly programs?: Readonly<Record<string, string>> | undefined
}

/** Looks, and changes nothing but pins of attachments whose interfaces are gone. */
export function observe(machine: Machine, wanted: Wanted): Present {
  const paths = machine.pinned(wanted.graph)
  const sameMaps = new Set<string>()
  const entries = new Map<string, readonly Entry[]>()
  for (const [path, description] of Object.entries(wanted.maps)) {
    const map = paths.includes(path) ? machine.openMap(path, description) : undefined
    if (map === undefined) continue
    sameMaps.add(path)
    if (path in wanted.entries) entries.set(path, map.entries())
    map[Symbol.dispose]()
  }
  const attachments = new Map<string, { readonly interface: string; readonly point: AttachPoint }>()
  for (const path of paths.filter(isLinkPath)) {
    const attachment = machine.openAttachment(path)
    if (attachment === undefined) continue
    attachments.set(path, { interface: attachment.interface.name, point: attachment.point })
    attachment[Symbol.dispose]()
  }
  return { paths, sameMaps, entries, attachments }
}

/**
 * The actions, in an order in which each packet finds what it needs: what is new before what goes, programs before maps.
 * A map whose description changed is made anew, and its entries are lost: {@link lostMaps} names them beforehand.
 */
export function plan(present: Present, wanted: Wanted): Action[] {
  const moved = (path: string): boolean => {
    const [now, then] = [present.attachments.get(path), wanted.attachments[path]]
    return now !== undefined && (now.interface !== then?.interface || now.point !== then.point)
  }
  const newMaps = Object.entries(wanted.maps).filter(([path]) => !present.sameMaps.has(path))
  const outdated = newMaps.filter(([path]) => present.paths.includes(path))
  const gone = [...present.attachments.keys()].filter((path) => moved(path) || !(path in wanted.attachments))
  const surplus = present.paths.filter((path) => !(path in wanted.maps) && !(path in wanted.attachments))
  const entries = Object.entries(wanted.attachments)
  return [
    ...outdated.map(([path]): Action => ({ do: 'remove', path })),
    // The pin of an attachment whose interface is gone has the name that the new one needs.
    ...entries
      .filter(([path]) => present.paths.includes(path) && !present.attachments.has(path))
      .map(([path]): Action => ({ do: 'remove', path })),
    ...newMaps.map(([path, description]): Action => ({ do: 'create map', path, description })),
    ...settings(present, wanted),
    // A moved port leaves its old interface before its pin's name can be used again.
    ...gone
      .filter(moved)
      .filter((path) => path in wanted.attachments)
      .map((path): Action => ({ do: 'detach', path })),
    ...entries
      .filter(([path]) => !present.attachments.has(path) || moved(path))
      .map(([path, attachment]): Action => ({ do: 'attach', path, ...attachment })),
    ...entries
      .filter(
        ([path, attachment]) => present.attachments.has(path) && !moved(path) && !isSame(present, path, attachment),
      )
      .map(([path, attachment]): Action => ({ do: 'replace', path, ...attachment })),
    ...gone.filter((path) => !(path in wanted.attachments)).map((path): Action => ({ do: 'detach', path })),
    ...clearings(present, wanted),
    ...surplus.filter((path) => !present.attachments.has(path)).map((path): Action => ({ do: 'remove', path })),
  ]
}

/** Entries that are not there yet, before anything refers to them. */
const settings = (present: Present, wanted: Wanted): Action[] =>
  Object.entries(wanted.entries).flatMap(([path, entries]): Action[] => {
    const there = entriesAt(present, path)
    const missing = entries.filter(([key, value]) => there.get(toHex(key)) !== toHex(value))
    return missing.length === 0 ? [] : [{ do: 'set entries', path, entries: missing }]
  })

/** Entries that nothing refers to any more. */
const clearings = (present: Present, wanted: Wanted): Action[] =>
  Object.entries(wanted.entries).flatMap(([path, entries]): Action[] => {
    const kept = new Set(entries.map(([key]) => toHex(key)))
    const keys = (present.entries?.get(path) ?? []).map(([key]) => key).filter((key) => !kept.has(toHex(key)))
    return keys.length === 0 ? [] : [{ do: 'clear entries', path, keys }]
  })

const entriesAt = (present: Present, path: string): ReadonlyMap<string, string> =>
  new Map((present.entries?.get(path) ?? []).map(([key, value]) => [toHex(key), toHex(value)]))

/** Whether what runs is what is wanted, to the instruction, on maps that stay. */
const isSame = (present: Present, path: string, { program, maps }: WantedAttachment): boolean =>
  present.programs?.[path] === fingerprint(program) &&
  Object.keys(program.maps).every((name) => present.sameMaps.has(maps[name] ?? ''))

/** Equal for programs that do the same, wherever their lines are. */
export function fingerprint({ instructions }: Program): string {
  const maps = instructions.map(({ map = '', mapValue = '' }) => `${map} ${mapValue}`)
  return createHash('sha256').update(encode(instructions)).update(maps.join()).digest('hex')
}

/** Maps of a cube's own state that the plan would empty because their description changed. */
export const lostMaps = (present: Present, wanted: Wanted, isState: (path: string) => boolean): string[] =>
  Object.keys(wanted.maps).filter(
    (path) => present.paths.includes(path) && !present.sameMaps.has(path) && isState(path),
  )

/** An action for people, a line. */
export function describeAction(action: Action): string {
  switch (action.do) {
    case 'create map': {
      const { kind, entries } = action.description
      return `+ map      ${action.path} (${kind}, ${entries} entries)`
    }
    case 'attach':
      return `+ program  ${action.path} on ${action.interface} (${size(action)})`
    case 'replace':
      return `~ program  ${action.path} on ${action.interface} (${size(action)})`
    case 'set entries':
      return `~ map      ${action.path} (${action.entries.length} set)`
    case 'clear entries':
      return `~ map      ${action.path} (${action.keys.length} cleared)`
    case 'detach':
      return `- program  ${action.path}`
    case 'remove':
      return `- ${action.path}`
  }
}

const size = ({ point, program }: WantedAttachment): string => `${point}, ${program.instructions.length} instructions`
