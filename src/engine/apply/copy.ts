/**
 * Entries on their way from a map to the one that takes its place, while packets go on to use the former. They are copied, then
 * the programs are switched, then what the old programs wrote meanwhile is copied as well. Where new programs have written to
 * the same entry by then, theirs is the later one, and stays.
 */
import type { Machine, MachineMap } from '../../backend/machine.ts'
import { toHex, viewOf } from '../../base/bytes.ts'
import { Refusal, refusal } from '../../base/diagnostic.ts'
import { isArray, type MapDescription } from '../../isa/program.ts'
import { seenPath } from '../graph/paths.ts'
import type { Convert } from '../plan/migrate.ts'
import type { Copy } from '../plan/plan.ts'
import type { Entry } from '../stitch/stitch.ts'

/** Copies all entries, and keeps them as they were. A Refusal where they do not fit. */
export function copyEntries(machine: Machine, { path, from }: Copy, to: MachineMap, convert: Convert): void {
  using old = machine.openMap(path, from)
  if (old === undefined) throw refusal(`the map ${path} went away meanwhile`, 'run the command again')
  using seen = machine.createMap('seen', keeping(from))
  seen.pin(seenPath(path))
  const entries = old.entries()
  for (const entry of entries) seen.update(...entry)
  for (const made of convert(entries)) if (made !== undefined && !isNothing(to.description, made)) to.update(...made)
  // That took its time: little is left to do when the programs are switched.
  copyChanges({ old, seen, to }, convert, true)
}

/**
 * Copies what has changed since, when nobody changes it any more. Doing it again changes nothing. How many entries were given up,
 * because the new map is full, or is an LRU one that is smaller.
 */
export function copyAgain(machine: Machine, { path, from }: Copy, to: MachineMap, convert: Convert): number {
  using old = machine.openMap(path, from)
  using seen = machine.openMap(seenPath(path), keeping(from))
  if (old === undefined || seen === undefined) return 0
  return copyChanges({ old, seen, to }, convert, false) + forgotten(old, to, convert)
}

/** An LRU map takes whatever comes, and forgets some of the rest: which were used least in the old one, nobody knows. */
function forgotten(old: MachineMap, to: MachineMap, convert: Convert): number {
  const isSmaller = to.description.entries < old.description.entries
  if (!isSmaller || !['lru_hash', 'lru_percpu_hash'].includes(kindOf(to))) return 0
  const kept = convert(old.entries()).filter((entry) => entry !== undefined)
  return Math.max(0, kept.length - to.entries().length)
}

interface Maps {
  readonly old: MachineMap
  /** The old one as it was when it was copied. */
  readonly seen: MachineMap
  readonly to: MachineMap
}

interface EntryChange {
  readonly entry: Entry
  /** As it was copied. */
  readonly before: Entry | undefined
}

function copyChanges({ old, seen, to }: Maps, convert: Convert, goesOn: boolean): number {
  const now = new Map(old.entries().map((entry) => [toHex(entry[0]), entry]))
  let lost = 0
  const put = (entry: Entry): void => {
    if (isNothing(to.description, entry)) return
    try {
      to.update(...entry)
    } catch (error) {
      if (!(error instanceof Refusal) || goesOn) throw error
      lost++
    }
  }
  // What went makes room for what came.
  const gone = isArray(kindOf(old)) ? [] : seen.entries().filter(([key]) => !now.has(toHex(key)))
  for (const copied of convert(gone)) if (copied !== undefined) removeUnchanged(to, copied)
  if (goesOn) for (const [key] of gone) seen.delete(key)
  const changes = [...now.values()].flatMap((entry): readonly EntryChange[] => {
    const [key, value] = entry
    const before = seen.lookup(key)
    if (before === undefined) return [{ entry, before }]
    return isEqual(before, value) ? [] : [{ entry, before: [key, before] }]
  })
  const copies = convert(changes.map(({ before }) => before))
  const mades = convert(changes.map(({ entry }) => entry))
  for (const [index, { entry }] of changes.entries()) {
    const [copied, made] = [copies[index], mades[index]]
    const isMoved = copied !== undefined && made !== undefined && !isEqual(copied[0], made[0])
    if (copied !== undefined && (made === undefined || isMoved)) removeUnchanged(to, copied)
    const isNew = copied === undefined || isMoved || isNothing(to.description, copied)
    if (made !== undefined && (isNew ? isVacant(to, made) : isUnchanged(to, copied))) put(made)
    if (goesOn) seen.update(...entry)
  }
  return lost
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])

/** Whether the new map has what was copied: no new program has written there. */
function isUnchanged(to: MachineMap, [key, value]: Entry): boolean {
  const there = to.lookup(key)
  return there !== undefined && isEqual(there, value)
}

/** Whether there is no entry or, in an array, one that was never written. */
function isVacant(to: MachineMap, [key]: Entry): boolean {
  const there = to.lookup(key)
  return there === undefined || (isArray(kindOf(to)) && isZero(there))
}

function removeUnchanged(to: MachineMap, copied: Entry): void {
  if (!isArray(kindOf(to)) && isUnchanged(to, copied)) to.delete(copied[0])
}

const kindOf = ({ description }: MachineMap) => (description.inner ?? description).kind

const isZero = (value: Uint8Array): boolean => value.every((byte) => byte === 0)

/** Entries of an array that are past the end of a shorter one, and were never written. */
function isNothing({ kind, entries, inner }: MapDescription, [key, value]: Entry): boolean {
  if (inner !== undefined) return isNothing(inner, [key, value])
  return isArray(kind) && viewOf(key).getUint32(0, true) >= entries && isZero(value)
}

/** A map that has the same entries for as long as it is there. */
function keeping({ inner, ...from }: MapDescription): MapDescription {
  if (inner !== undefined) return keeping(inner)
  if (from.kind === 'lru_hash') return { ...from, kind: 'hash' }
  return from.kind === 'lru_percpu_hash' ? { ...from, kind: 'percpu_hash' } : from
}
