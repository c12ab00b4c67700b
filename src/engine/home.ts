/** Network namespaces, as machines name them: interfaces of one are others in another one, whatever they are called. */
import type { Machine } from '../backend/machine.ts'
import type { Running } from './records.ts'

/**
 * Whether two of {@link Machine.namespace} are one. The second word counts where both have one: the first may be given again when a
 * namespace is gone, and neither every kernel nor records of before have a second.
 */
export function isSameNamespace(one: string, other: string): boolean {
  const [[first, second], [otherFirst, otherSecond]] = [one.split(' '), other.split(' ')]
  return first === otherFirst && (second === undefined || otherSecond === undefined || second === otherSecond)
}

/** Whether a graph is on interfaces that this machine knows. */
export const isHere = ({ namespace }: Machine, running: Pick<Running, 'namespace'>): boolean =>
  isSameNamespace(running.namespace, namespace)
