/** Every change that somebody asks for is known before it is begun, and how it ended before it is answered. */
import type { z } from 'zod'
import type { operation } from '../../api/routes/watching.ts'
import { patchBetween } from '../../base/merge-patch.ts'
import { type Entry, NoRoom, type Store } from '../../store/store.ts'
import { type Principal, principalText } from './role.ts'
import { TOKEN } from './tokens.ts'

/** What is told of a change. */
export type Operation = z.output<typeof operation>

/** Operations that are kept, and characters of each of the documents in them. */
export interface AuditBounds {
  readonly operations: number
  readonly characters: number
}

export const BOUNDS: AuditBounds = { operations: 2_000, characters: 16_384 }

const DONE = 'operations/done/'
const BEGUN = 'operations/begun/'

/** As long as numbers get, so that keys have their order. */
const DIGITS = 15

/** A graph as it is wanted, or anything else that changes by revisions. */
export interface Revised {
  readonly revision: string
  readonly document: unknown
}

export interface Asked {
  readonly who: Principal
  /** The route, by its name. */
  readonly what: string
  /** Its path, as it was asked for. */
  readonly target: string
  readonly graph?: string | undefined
  readonly before?: Revised | undefined
  /** What was sent. */
  readonly body?: unknown
}

export interface Answered {
  readonly status: number
  readonly detail?: string | undefined
  readonly after?: Revised | undefined
}

export class Audit {
  private readonly store: Store
  private readonly bounds: AuditBounds
  private readonly now: () => Date
  private next: number

  private constructor(store: Store, bounds: AuditBounds, now: () => Date, next: number) {
    this.store = store
    this.bounds = bounds
    this.now = now
    this.next = next
  }

  /** What was begun by a process that was killed then is told of as that, as soon as there is room for it. */
  static async open(store: Store, bounds: AuditBounds = BOUNDS, now = () => new Date()): Promise<Audit> {
    const { entries: last } = await store.list(DONE, { limit: 1, descending: true })
    const { entries: begun } = await store.list(BEGUN)
    const numbers = [...last, ...begun].map(({ key }) => Number(key.slice(key.lastIndexOf('/') + 1)))
    const audit = new Audit(store, bounds, now, Math.max(0, ...numbers) + 1)
    for (const { value } of begun) {
      const detail = 'the daemon was killed before it could say what came of it: what is wanted and what runs tell'
      try {
        await audit.keep({ ...(JSON.parse(value) as Operation), status: 500, detail })
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error
      }
    }
    return audit
  }

  /** Before a change is begun. What it gives is to be called when it has ended. */
  async begin({ who, what, target, graph, before, body }: Asked): Promise<(answered: Answered) => Promise<Operation>> {
    const id = String(this.next++).padStart(DIGITS, '0')
    const begun = {
      id,
      time: this.now().toISOString(),
      who: principalText(who),
      role: who.role,
      what,
      target,
      ...(graph === undefined ? {} : { graph }),
      ...(before === undefined ? {} : { from: before.revision }),
      ...(body === undefined ? {} : { asked: this.bounded(body) }),
    }
    await this.store.commit([{ put: BEGUN + id, value: textOf(begun) }])
    return async ({ status, detail, after }) => {
      const isChanged = status < 400 && before?.revision !== after?.revision
      const operation: Operation = {
        ...begun,
        ...(after === undefined ? {} : { to: after.revision }),
        ...(isChanged ? this.difference(before?.document, after?.document) : {}),
        status,
        ...(detail === undefined ? {} : { detail }),
      }
      await this.keep(operation)
      return operation
    }
  }

  private async keep(operation: Operation): Promise<void> {
    const { id } = operation
    const old = Number(id) - this.bounds.operations
    await this.store.commit([
      { put: DONE + id, value: textOf(operation) },
      { delete: BEGUN + id },
      ...(old > 0 ? [{ delete: DONE + String(old).padStart(DIGITS, '0') }] : []),
    ])
  }

  private difference(before: unknown, after: unknown): Pick<Operation, 'was' | 'is'> {
    return { was: this.bounded(patchBetween(after, before)), is: this.bounded(patchBetween(before, after)) }
  }

  private bounded(value: unknown): unknown {
    const { length } = JSON.stringify(value ?? null)
    return length <= this.bounds.characters ? (value ?? null) : `${length} characters, which are too many to be kept`
  }

  async get(id: string): Promise<Operation | undefined> {
    const entry = /^\d+$/.test(id) && id.length === DIGITS ? await this.store.get(DONE + id) : undefined
    return entry && operationOf(entry)
  }

  /** The latest first, from before `cursor` on. */
  async list(
    limit: number,
    { graph, cursor }: { readonly graph?: string | undefined; readonly cursor?: string | undefined } = {},
  ): Promise<{ readonly operations: readonly Operation[]; readonly next?: string }> {
    const operations: Operation[] = []
    let after = cursor === undefined ? undefined : DONE + cursor
    for (;;) {
      const { entries } = await this.store.list(DONE, { after, limit: PAGE, descending: true })
      for (const entry of entries) {
        const found = operationOf(entry)
        if (graph !== undefined && found.graph !== graph) continue
        if (operations.length === limit) return { operations, next: operations.at(-1)?.id ?? '' }
        operations.push(found)
      }
      after = entries.at(-1)?.key
      if (entries.length < PAGE) return { operations }
    }
  }
}

/** Entries that are read at once. */
const PAGE = 100

const operationOf = ({ value }: Entry): Operation => JSON.parse(value) as Operation

/** Whatever somebody sent, no token is kept. */
const textOf = (value: unknown): string => JSON.stringify(value).replace(TOKEN, 'tessera_…')
