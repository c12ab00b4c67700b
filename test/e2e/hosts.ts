/** A network namespace with a port for each of some hosts, which are namespaces of their own. */
import { afterAll, beforeAll, expect } from 'vitest'
import { createNamespace, inNamespace, removeNamespace } from '../../src/kernel/namespace.ts'
import { addAddress } from '../../src/kernel/netlink/address.ts'
import { changeLink, createVeth } from '../../src/kernel/netlink/link.ts'
import { settled, snapshot } from './host.ts'

export interface Host {
  readonly ns: string
  /** The interface in the middle whose other end the host has. */
  readonly port: string
  /** The last octet of its address. */
  readonly number: number
}

/** Makes them. Addresses are `<network>.<number>/24`. */
export function createHosts(middle: string, hosts: readonly Host[], network: string): void {
  createNamespace(middle)
  for (const { ns, port, number } of hosts) {
    createNamespace(ns)
    inNamespace(middle, () => {
      createVeth({ name: port }, { name: 'eth0', namespace: ns })
      changeLink(port, { silent: true, up: true })
    })
    inNamespace(ns, () => {
      changeLink('eth0', { up: true })
      addAddress('eth0', `${network}.${number}/24`)
    })
  }
}

export function removeHosts(middle: string, hosts: readonly Host[]): void {
  for (const { ns } of hosts) removeNamespace(ns)
  removeNamespace(middle)
}

/**
 * They are there for all tests of a group, and this host is afterwards as it was before. To be said before the group's own hooks: what
 * these make is gone then.
 */
export function useHosts(middle: string, hosts: readonly Host[], network: string): void {
  let before: string[] = []
  beforeAll(() => {
    before = snapshot()
    createHosts(middle, hosts, network)
  })
  afterAll(() => {
    removeHosts(middle, hosts)
    expect(settled(before)).toEqual(before)
  })
}
