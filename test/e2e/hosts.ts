/** A network namespace with a port for each of some hosts, which are namespaces of their own. */
import { createNamespace, inNamespace } from '../../src/kernel/namespace.ts'
import { addAddress } from '../../src/kernel/netlink/address.ts'
import { changeLink, createVeth } from '../../src/kernel/netlink/link.ts'

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
