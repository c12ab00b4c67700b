import { refusal } from '../base/diagnostic.ts'

/** What a pin keeps alive. */
export interface Pinnable {
  hold(): unknown
  release(): void
}

/** Pinned objects by path. A folder is there while there is a pin below it. */
export class Pins {
  readonly #objects = new Map<string, Pinnable>()

  get(path: string): Pinnable | undefined {
    checkForm(path)
    return this.#objects.get(path)
  }

  /** Refuses a path that is taken, or that leads through a pin. */
  check(path: string): void {
    checkForm(path)
    for (const taken of this.#objects.keys()) {
      if (path.startsWith(`${taken}/`)) throw refusal(`"${path}" cannot be pinned: "${taken}" is no folder`)
      if (taken === path || taken.startsWith(`${path}/`))
        throw refusal(`there is something at "${path}" already`, 'unpin it first, or choose another path')
    }
  }

  add(path: string, object: Pinnable): void {
    this.check(path)
    object.hold()
    this.#objects.set(path, object)
  }

  /** Every pin at or under `prefix`, what is deepest first. */
  under(prefix: string): string[] {
    const start = prefix.replace(/\/+$/, '')
    const depth = (path: string) => path.split('/').length
    return [...this.#objects.keys()]
      .filter((path) => start === '' || path === start || path.startsWith(`${start}/`))
      .sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1))
  }

  /** What is not there is forgotten already. */
  remove(path: string): void {
    checkForm(path)
    const object = this.#objects.get(path)
    this.#objects.delete(path)
    object?.release()
    if (object === undefined && this.under(path).length > 0)
      throw refusal(`"${path}" is a folder that is not empty`, 'unpin what is under it first')
  }

  /** In place of what is there. */
  move(from: string, to: string): void {
    const object = this.get(from)
    if (object === undefined) throw refusal(`nothing is pinned at "${from}"`)
    object.hold()
    this.remove(from)
    if (this.get(to) !== undefined) this.remove(to)
    this.add(to, object)
    object.release()
  }

  /** Forgets every pin of `object`. */
  forget(object: Pinnable): void {
    for (const [path, pinned] of this.#objects) if (pinned === object) this.remove(path)
  }
}

/** The names that bpffs can hold: it keeps those with dots for itself (kernel/bpf/inode.c, bpf_lookup). */
function checkForm(path: string): void {
  if (!/^[A-Za-z0-9_:@+=-]+(\/[A-Za-z0-9_:@+=-]+)*$/.test(path))
    throw refusal(`"${path}" is no path to pin at`, 'names are of letters, digits and _ - : @ + =, with / between them')
}
