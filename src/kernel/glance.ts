import { lazy } from '../base/lazy.ts'
import { ownFilters } from './clsact.ts'
import { ownLinks } from './links.ts'
import { findLink, type Link, links } from './netlink/link.ts'
import { ingressQdiscs } from './netlink/qdisc.ts'

/** So many questions are asked one by one; from then on it is quicker to have all answers at once. */
const FEW = 8

/**
 * What is on the interfaces of a network namespace at one moment: whoever asks after a thousand of them asks the kernel once.
 */
export class Glance {
  readonly #links = new Map<string | number, Link | undefined>()
  readonly #filtering = lazy(() => new Set(ingressQdiscs().map((qdisc) => qdisc.interface)))
  #missed = 0
  #doubted = 0
  /** The links that are pinned under our root. */
  readonly ownLinks = lazy(ownLinks)
  #ownFilters: ReturnType<typeof ownFilters> | undefined

  ownFilters = (): ReturnType<typeof ownFilters> => {
    this.#ownFilters ??= ownFilters()
    return this.#ownFilters
  }

  /** Some have come, or have other names. */
  forgetFilters(): void {
    this.#ownFilters = undefined
  }

  /** {@link findLink} */
  find = (which: string | number): Link | undefined => {
    if (!this.#links.has(which) && ++this.#missed === FEW) for (const link of links()) this.#keep(link)
    if (this.#links.has(which)) return this.#links.get(which)
    // There may be one that has a second name.
    const found = findLink(which)
    this.#links.set(which, found)
    if (found !== undefined) this.#keep(found)
    return found
  }

  /** False where it has none for sure. */
  mayHaveFilters(index: number): boolean {
    return ++this.#doubted < FEW || this.#filtering().has(index)
  }

  #keep(link: Link): void {
    this.#links.set(link.name, link)
    this.#links.set(link.index, link)
  }
}
