/** Whose a program or a map is, for people: where it is refused, that is a matter of a line of the graph's file, too. */
import { Refusal } from '../../base/diagnostic.ts'
import { type GraphFile, interfaceText } from '../graph/graph.ts'
import { type GraphEntry, INTERFACES, type MetNode } from '../graph/nodes.ts'
import { WHOLE } from '../graph/paths.ts'

export interface Owner {
  /** Where the graph's file says so: as {@link GraphFile.place} takes it. */
  readonly path: readonly string[]
  /** `the program for what arrives at switch.alice` */
  readonly name: string
}

/** Of the program that a port or an interface has, with the data planes of `instances` in it. */
export function entryOwner({ instance, port, on }: GraphEntry, instances: readonly string[]): Owner {
  if (instance !== INTERFACES)
    return {
      path: ['instances', instance, 'ports', port],
      name: programFor(`arrives at ${instance}.${port}`, instances),
    }
  const text = interfaceText(on)
  return { path: ['interfaces', text], name: programFor(`passes the interface ${text}`, instances) }
}

/** Of a program that others go over to, by what is met there first. */
export function nodeOwner({ instance: { name }, port, direction }: MetNode, instances: readonly string[]): Owner {
  return port === undefined
    ? { path: ['instances', name], name: programFor(`passes ${name} (${direction})`, instances) }
    : { path: ['instances', name, 'ports', port.name], name: programFor(`arrives at ${name}.${port.name}`, instances) }
}

function programFor(what: string, instances: readonly string[]): string {
  return `the program for what ${what}${instances.length > 1 ? `, with ${instances.join(', ')} in it` : ''}`
}

/** Of a map, by its path. */
export function mapOwner(path: string): Owner {
  const [, instance = '', , map = ''] = path.split('/')
  const known = instance !== WHOLE
  return { path: known ? ['instances', instance] : ['graph'], name: `the map ${map}${known ? ` of ${instance}` : ''}` }
}

/** A program or a map that cannot be: why, and whose it is. */
export class RefusedPart extends Refusal {
  override readonly cause: Refusal
  private readonly owner: Owner

  constructor(why: Refusal, owner: Owner, place?: GraphFile['place']) {
    const { path, name } = owner
    super([...why.diagnostics, { message: `it is ${name}`, path, place: place?.(path) }])
    this.cause = why
    this.owner = owner
  }

  /** With the line of the graph's file. */
  at(place: GraphFile['place']): RefusedPart {
    return new RefusedPart(this.cause, this.owner, place)
  }
}

/** What fails for a part of a graph names the line of the graph's file. */
export async function placed<T>({ place }: GraphFile, run: Promise<T>): Promise<T> {
  try {
    return await run
  } catch (error) {
    throw error instanceof RefusedPart ? error.at(place) : error
  }
}

/** Runs what can fail for a part of a graph. */
export function owned<T>(owner: Owner, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof Refusal ? new RefusedPart(error, owner) : error
  }
}
