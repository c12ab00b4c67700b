/** Network namespaces, as machines name them: interfaces of one are others in another one, whatever they are called. */
import type { Machine } from '../../backend/machine.ts'
import { isSameNamespace } from '../../backend/same-namespace.ts'

/** Whether a graph is on interfaces that this machine knows. */
export const isHere = ({ namespace }: Machine, running: { readonly namespace: string }): boolean =>
  isSameNamespace(running.namespace, namespace)
