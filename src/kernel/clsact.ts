import type { Attachment, Interface, LoadedProgram } from '../backend/machine.ts'
import { refusal } from '../base/diagnostic.ts'
import type { AttachPoint } from '../isa/program.ts'
import { kernelProgram } from './links.ts'
import { addFilter, type DIRECTION, deleteFilter, type Filter, filters, replaceFilter } from './netlink/filter.ts'
import { addClsact, deleteClsact, ingressQdiscs } from './netlink/qdisc.ts'
import { pin, replacePin, unpin, withPin } from './pins.ts'
import { OWN_NAME } from './places.ts'
import type { KernelProgram } from './programs.ts'

/**
 * Attachments on kernels without TCX: a direct-action filter on the clsact qdisc. The kernel keeps filters whatever
 * becomes of us, and a filter's name says whose it is: `tessera:PATH`, or `tessera+clsact:PATH` where the qdisc is ours
 * too; `tessera-NAME` of an instance that has a name. The pin at PATH is the program. It is made before the filter and forgotten
 * after it, so a process that is killed in between leaves a pin without a filter, which the next attachment at PATH replaces.
 */

type Direction = keyof typeof DIRECTION

const NAME = new RegExp(`^${OWN_NAME}(?<qdisc>\\+clsact)?:(?<path>.*)$`)

const filterName = (path: string, oursIsTheQdisc: boolean): string =>
  `${OWN_NAME}${oursIsTheQdisc ? '+clsact' : ''}:${path}`

const isOnOwnQdisc = ({ name = '' }: Filter): boolean => NAME.exec(name)?.groups?.qdisc !== undefined

export const isOwnFilter = (filter: Filter): boolean => NAME.test(filter.name ?? '')

export class FilterAttachment implements Attachment {
  readonly interface: Interface
  readonly point: AttachPoint
  readonly #path: string

  constructor(target: Interface, path: string, direction: Direction) {
    this.interface = target
    this.point = `tc ${direction}`
    this.#path = path
  }

  static attach(program: KernelProgram, target: Interface, path: string, direction: Direction): FilterAttachment {
    pin(path, program.fd)
    let isOurs = false
    try {
      // A filter that had no pin: the BPF file system was unmounted before it went.
      removeFilters(path)
      isOurs = makeClsact(target.index)
      addFilter(target.index, direction, program.fd, filterName(path, isOurs))
    } catch (error) {
      if (isOurs) deleteClsact(target.index)
      unpin(path)
      throw error
    }
    return new FilterAttachment(target, path, direction)
  }

  replace(program: LoadedProgram): void {
    const next = kernelProgram(program)
    const filter = filtersAt(this.#path)[0]
    if (filter === undefined) {
      throw refusal(`the filter of "${this.#path}" is gone from "${this.interface.name}"`, 'attach again')
    }
    replaceFilter(filter, next.fd)
    replacePin(this.#path, next.fd)
  }

  detach(): void {
    removeFilters(this.#path)
    unpin(this.#path)
  }

  /** A filter needs no handle. */
  [Symbol.dispose](): void {}
}

/** Of this network namespace. */
const allFilters = (): Filter[] => ingressQdiscs().flatMap((qdisc) => filtersOf(qdisc.interface))

const pathOf = ({ name = '' }: Filter): string | undefined => NAME.exec(name)?.groups?.path

/** The pin of its program goes last: a process that is killed in between leaves one of the two, with the filter, and a pin without. */
export function moveFilter(filter: Filter, from: string, to: string): void {
  withPin(from, (program) => {
    replacePin(to, program)
    replaceFilter(filter, program, filterName(to, isOnOwnQdisc(filter)))
  })
  unpin(from)
}

/** Wherever it is in this network namespace. */
const filtersAt = (path: string): Filter[] => allFilters().filter((filter) => pathOf(filter) === path)

/** Those of ours in this network namespace, by their paths. */
export const ownFilters = (): ReadonlyMap<string, Filter> =>
  new Map(
    allFilters().flatMap((filter) => {
      const path = pathOf(filter)
      return path === undefined ? [] : [[path, filter] as const]
    }),
  )

export function removeFilters(path: string): void {
  for (const filter of filtersAt(path)) remove(filter)
}

/** True where the qdisc is ours to delete: there was none, or one that nobody uses, as a killed process leaves it. */
function makeClsact(index: number): boolean {
  const qdisc = ingressQdiscs().find((candidate) => candidate.interface === index)
  if (qdisc === undefined) {
    addClsact(index)
    return true
  }
  return qdisc.kind === 'clsact' && filtersOf(index).length === 0
}

const filtersOf = (index: number): Filter[] => [...filters(index, 'ingress'), ...filters(index, 'egress')]

/** The last filter of our own qdisc goes with the qdisc, in one step. */
function remove(filter: Filter): void {
  if (isOnOwnQdisc(filter) && filtersOf(filter.interface).length === 1) deleteClsact(filter.interface)
  else deleteFilter(filter)
}
