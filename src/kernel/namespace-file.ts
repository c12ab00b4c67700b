import { openSync } from 'node:fs'
import { join } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import { fileFailure, hasCode } from './errno.ts'

/** Where `ip netns` keeps named network namespaces: a file each, with the namespace mounted over it. */
export const NETNS_FOLDER = '/run/netns'

/** No slash, for it is a file name, and not hidden. */
export function namespaceFile(name: string): string {
  if (!/^[^./\s][^/\s]{0,254}$/.test(name)) {
    throw refusal(`"${name}" is no name for a network namespace`, 'it is a file name: no slash, no leading dot')
  }
  return join(NETNS_FOLDER, name)
}

/** A handle that keeps the namespace alive until it is closed. */
export function openNamespace(name: string): number {
  try {
    return openSync(namespaceFile(name), 'r')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) {
      throw refusal(`there is no network namespace "${name}"`, 'see `ip netns list`, or make it with `ip netns add`')
    }
    throw fileFailure('namespace', `open the network namespace "${name}"`, error)
  }
}

/** The namespace that this thread is in. */
export const openOwnNamespace = (): number => openSync('/proc/thread-self/ns/net', 'r')
