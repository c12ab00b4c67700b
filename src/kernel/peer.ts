/** An interface in another network namespace, as seen from here: the end of its pair that is here. */
import { closeSync } from 'node:fs'
import { refusal } from '../base/diagnostic.ts'
import { hasNamespace, inNamespace } from './namespace.ts'
import { openNamespace } from './namespace-file.ts'
import { findLink, type Link } from './netlink/link.ts'
import { namespaceId } from './netlink/namespace-id.ts'

/**
 * The end that is here of the veth `name` in a named network namespace. Undefined where there is no such interface; a Refusal where
 * it is no veth, or its other end is not here.
 */
export function peerOf(namespace: string, name: string): Link | undefined {
  if (!hasNamespace(namespace)) return undefined
  const inside = inNamespace(namespace, () => findLink(name))
  if (inside === undefined) return undefined
  const here = inside.kind === 'veth' && inside.link !== undefined ? findLink(inside.link) : undefined
  if (here?.kind === 'veth' && here.link === inside.index && here.linkNamespace === idOf(namespace)) return here
  throw refusal(
    inside.kind === 'veth'
      ? `the other end of ${name} in the network namespace ${namespace} is not in this one`
      : `${name} in the network namespace ${namespace} is no veth, and nothing leads there from here`,
    `ip link add … type veth peer name ${name} netns ${namespace}`,
  )
}

/** What this network namespace knows the other one by. */
function idOf(namespace: string): number | undefined {
  const fd = openNamespace(namespace)
  try {
    return namespaceId(fd)
  } finally {
    closeSync(fd)
  }
}
