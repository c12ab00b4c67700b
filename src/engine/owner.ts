/** Whose a program is, for people: a program that is refused is a matter of a line of the graph's file, too. */
import { Refusal } from '../base/diagnostic.ts'
import { type GraphFile, interfaceText } from './graph.ts'
import { type GraphEntry, INTERFACES, type MetNode } from './nodes.ts'

export interface Owner {
  /** Where the graph's file says so: as {@link GraphFile.place} takes it. */
  readonly path: readonly string[]
  /** `what arrives at switch.alice` */
  readonly name: string
  /** All whose data planes are in the program. */
  readonly instances: readonly string[]
}

/** Of the program that a port or an interface has. */
export function entryOwner({ instance, port, on }: GraphEntry, instances: readonly string[]): Owner {
  if (instance !== INTERFACES)
    return { path: ['instances', instance, 'ports', port], name: `what arrives at ${instance}.${port}`, instances }
  const text = interfaceText(on)
  return { path: ['interfaces', text], name: `what passes the interface ${text}`, instances }
}

/** Of a program that others go over to, by what is met there first. */
export function nodeOwner({ instance: { name }, port, direction }: MetNode, instances: readonly string[]): Owner {
  return port === undefined
    ? { path: ['instances', name], name: `what passes ${name} (${direction})`, instances }
    : { path: ['instances', name, 'ports', port.name], name: `what arrives at ${name}.${port.name}`, instances }
}

/** A program that cannot be: why, and whose it is. */
export class RefusedProgram extends Refusal {
  override readonly cause: Refusal
  private readonly owner: Owner

  constructor(why: Refusal, owner: Owner, place?: GraphFile['place']) {
    const { path, name, instances } = owner
    const within = instances.length > 1 ? `, with ${instances.join(', ')} in it` : ''
    const message = `it is the program for ${name}${within}`
    super([...why.diagnostics, { message, path, place: place?.(path) }])
    this.cause = why
    this.owner = owner
  }

  /** With the line of the graph's file. */
  at(place: GraphFile['place']): RefusedProgram {
    return new RefusedProgram(this.cause, this.owner, place)
  }
}

/** What fails for a program names the line of the graph's file. */
export async function placed<T>({ place }: GraphFile, run: Promise<T>): Promise<T> {
  try {
    return await run
  } catch (error) {
    throw error instanceof RefusedProgram ? error.at(place) : error
  }
}

/** Runs what can fail for a program. */
export function owned<T>(owner: Owner, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof Refusal ? new RefusedProgram(error, owner) : error
  }
}
