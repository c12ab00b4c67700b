/** A store in a folder of this host, in LMDB: http://www.lmdb.tech/doc/. */
import { closeSync, existsSync, mkdirSync, openSync, readSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { Refusal, refusal } from '../base/diagnostic.ts'
import {
  type Change,
  type Commit,
  changesOf,
  type Entry,
  HISTORY,
  type HistoryBound,
  type Listing,
  lengthOf,
  NoRoom,
  type Operation,
  type Page,
  type Store,
  type WatchOptions,
} from './store.ts'
import { type Past, Watchers } from './watchers.ts'

export interface EmbeddedOptions {
  /** Holds a file until disposed; a Refusal where another process has it. */
  readonly lock: (file: string) => Disposable
  readonly history?: HistoryBound
}

/** Of what is in the file. It grows with every change of that. */
const VERSION = 1
/** Bytes of address space, not of memory or disk. */
const MAP_SIZE = 4 * 1024 ** 3
/** lmdb.h, and errno(3) */
const MAP_FULL = -30792
const ENOSPC = 28
const EIO = 5
/** Bytes that LMDB's lock file has at least: it is mapped, and where the disk has no room for it, touching it kills the process. */
const LOCK_SIZE = 16_384

/** Bytes for the first commits. */
const LEAST_ROOM = 2 ** 20
/** Bytes that a commit of a few characters may take: pages of each tree from the root on, and of the list of those that are free. */
const PAGES = 2 ** 19
/** Bytes for each character, of its entry and of the history, where it may be escaped. */
const WRITTEN = 8
/** mdb.c */
const MAGIC = 0xbeefc0de
/** Bytes that are written first of all. */
const FIRST_PAGES = 8_192

/** Under a key of its own, beside the entries. */
interface Meta {
  readonly version: number
  readonly revision: number
  /** What came after this revision is known. */
  readonly oldest: number
  /** Of what is known. */
  readonly characters: number
}

/** Opens the store in a folder, which is made where it is not there. A Refusal where another process has it, or another version made it. */
export function openEmbedded(folder: string, { lock, history = HISTORY }: EmbeddedOptions): Store {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw refusal(`the store ${folder} cannot be made: ${messageOf(error)}`)
  }
  let held: Disposable | undefined
  try {
    held = lock(join(folder, 'lock'))
    const root = openRoot(folder)
    try {
      return new EmbeddedStore(folder, root, history, held)
    } catch (error) {
      void root.close()
      throw error
    }
  } catch (error) {
    held?.[Symbol.dispose]()
    // Another process has it, or there is no room to say who has it.
    if (error instanceof Refusal) throw unwritable(folder, error.cause) ?? error
    throw unwritable(folder, error) ?? refusal(`the store ${folder} cannot be opened: ${messageOf(error)}`)
  }
}

function openRoot(folder: string): RootDatabase<Meta, string> {
  const data = join(folder, 'data.mdb')
  const size = statSync(data, { throwIfNoEntry: false })?.size ?? 0
  // What LMDB has mapped and the disk has no room for, or what is no such file, would be the end of the process.
  if (size > 0) mustBeLmdb(data, size)
  else if (freeBytes(folder) < LEAST_ROOM) throw fullDisk(folder)
  const lockFile = join(folder, 'lock.mdb')
  if (!existsSync(lockFile)) writeFileSync(lockFile, new Uint8Array(LOCK_SIZE), { mode: 0o600 })
  const options = { encoding: 'json', mapSize: MAP_SIZE, maxDbs: 3, cache: false, overlappingSync: false } as const
  return open({ path: folder, ...options })
}

/** A page that begins with its header, and then says what it is: MDB_MAGIC. */
function mustBeLmdb(file: string, size: number): void {
  const head = new Uint8Array(28)
  const fd = openSync(file, 'r')
  try {
    readSync(fd, head)
  } finally {
    closeSync(fd)
  }
  if (size < FIRST_PAGES || new DataView(head.buffer).getUint32(24, true) !== MAGIC)
    throw refusal(`${file} is no store of Tessera`, 'name another folder, or take the file away; nothing was changed')
}

class EmbeddedStore implements Store {
  readonly #folder: string
  readonly #root: RootDatabase<Meta, string>
  readonly #entries: Database<string, string>
  readonly #history: Database<readonly Change[], number>
  readonly #bound: HistoryBound
  readonly #held: Disposable
  readonly #watchers: Watchers
  #meta: Meta
  #isOpen = true

  constructor(folder: string, root: RootDatabase<Meta, string>, bound: HistoryBound, held: Disposable) {
    this.#folder = folder
    this.#root = root
    this.#bound = bound
    this.#held = held
    this.#meta = root.get('meta') ?? { version: VERSION, revision: 0, oldest: 0, characters: 0 }
    const { version } = this.#meta
    if (version !== VERSION)
      throw refusal(
        `the store ${folder} was written by ${version > VERSION ? 'a newer' : 'another'} version of Tessera (its format is ${version}, and this one knows ${VERSION})`,
        'run that version, or have another folder for this one; nothing was changed',
      )
    this.#entries = root.openDB('entries', { encoding: 'string', useVersions: true, cache: false })
    this.#history = root.openDB('history', { encoding: 'json', cache: false })
    this.#watchers = new Watchers(this.#past())
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#mustBeOpen()
    return this.#get(key)
  }

  async list(prefix: string, { after, limit, descending = false }: Page = {}): Promise<Listing> {
    this.#mustBeOpen()
    // No key has a character that comes after ~.
    const [low, high] = [prefix, `${prefix}\x7f`]
    const range = descending
      ? { start: after !== undefined && after < high ? after : high, end: low, inclusiveEnd: true }
      : { start: after !== undefined && after > low ? after : low, end: high }
    const skip = after !== undefined && range.start === after
    const found = this.#entries.getRange({
      ...range,
      reverse: descending,
      versions: true,
      exclusiveStart: skip,
      ...(limit === undefined ? {} : { limit }),
    })
    const entries = [...found].map(({ key, value, version = 0 }): Entry => ({ key, value, revision: version }))
    return { revision: this.#meta.revision, entries }
  }

  async commit(operations: readonly Operation[]): Promise<number> {
    this.#mustBeOpen()
    const changes = changesOf(operations, (key) => this.#get(key))
    if (changes.length === 0) return this.#meta.revision
    const commit = { revision: this.#meta.revision + 1, changes }
    // LMDB does not survive many writes that the disk refuses: it then has overwritten what malloc keeps.
    if (freeBytes(this.#folder) < roomFor(commit)) throw fullDisk(this.#folder)
    try {
      // Synchronous, to the disk: the asynchronous ones never end where it is full.
      this.#meta = this.#root.transactionSync(() => this.#write(commit))
    } catch (error) {
      throw unwritable(this.#folder, error, lengthOf(commit)) ?? error
    }
    this.#watchers.wake()
    return commit.revision
  }

  watch(prefix: string, { after, signal }: WatchOptions = {}): AsyncIterable<Commit> {
    this.#mustBeOpen()
    return this.#watchers.watch(prefix, after, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#watchers.end()
    await this.#root.close()
    this.#held[Symbol.dispose]()
  }

  #get(key: string): Entry | undefined {
    const found = this.#entries.getEntry(key)
    return found && { key, value: found.value, revision: found.version ?? 0 }
  }

  /** In a transaction. */
  #write(commit: Commit): Meta {
    const { revision, changes } = commit
    for (const { key, value } of changes)
      if (value === undefined) this.#entries.removeSync(key)
      else this.#entries.putSync(key, value, revision)
    this.#history.putSync(revision, changes)
    let { oldest, characters } = this.#meta
    characters += lengthOf(commit)
    const isTooMuch = () => revision - oldest > this.#bound.commits || characters > this.#bound.characters
    while (oldest + 1 < revision && isTooMuch()) {
      oldest++
      characters -= lengthOf({ revision: oldest, changes: this.#history.get(oldest) ?? [] })
      this.#history.removeSync(oldest)
    }
    const meta = { version: VERSION, revision, oldest, characters }
    this.#root.putSync('meta', meta)
    return meta
  }

  #past(): Past {
    const meta = () => this.#meta
    return {
      get revision() {
        return meta().revision
      },
      get oldest() {
        return meta().oldest
      },
      next: (after) => {
        const changes = this.#history.get(after + 1)
        return changes && { revision: after + 1, changes }
      },
    }
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw new Error('the store is closed')
  }
}

/** A full disk is told as such, or as a write that did less than it should; undefined where it is something else. */
function unwritable(folder: string, error: unknown, characters = 0): Refusal | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === MAP_FULL)
    return new NoRoom([{ message: `the store ${folder} is full`, remedy: 'delete graphs that nobody needs' }])
  const isFull = code === ENOSPC || code === 'ENOSPC' || (code === EIO && freeBytes(folder) < 2 * characters + 2 ** 20)
  if (isFull) return fullDisk(folder)
  return code === EIO ? refusal(`the disk of the store ${folder} has an error: ${messageOf(error)}`) : undefined
}

const roomFor = (commit: Commit): number => PAGES + WRITTEN * lengthOf(commit)

const fullDisk = (folder: string): NoRoom =>
  new NoRoom([
    {
      message: `the disk of the store ${folder} is full: nothing was written`,
      remedy: 'make room on it, and try again',
    },
  ])

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
