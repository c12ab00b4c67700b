/** What shall be let go of together, last taken first. (Node.js has a DisposableStack from version 24 on.) */
export class Held implements Disposable {
  private readonly things: Disposable[] = []

  use<T extends Disposable>(thing: T): T {
    this.things.push(thing)
    return thing
  }

  [Symbol.dispose](): void {
    for (let thing = this.things.pop(); thing !== undefined; thing = this.things.pop()) thing[Symbol.dispose]()
  }
}
