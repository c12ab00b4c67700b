/** Hosts of the demo: network namespaces, each with one end of a veth pair; the other end is a port of the switch. */
import { parseMac } from '../src/base/address.ts'
import { createNamespace, inNamespace, namespaces, removeNamespace } from '../src/kernel/namespace.ts'
import { addAddress } from '../src/kernel/netlink/address.ts'
import { changeLink, createVeth, deleteLink } from '../src/kernel/netlink/link.ts'
import { OWN_NAME } from '../src/kernel/places.ts'

export interface DemoHost {
  readonly name: string
  /** Its network namespace, one of this instance, and the interface that the switch's port leads to. */
  readonly namespace: string
  readonly port: string
  readonly mac: string
  readonly ipv4: string
  readonly ipv6: string
}

export const HOSTS: readonly DemoHost[] = ['alice', 'bob', 'carol'].map((name, index) => ({
  name,
  namespace: OWN_NAME === 'tessera' ? `tess-${name}` : `${OWN_NAME}-${name}`,
  port: `tess-${name}`,
  mac: `02:00:00:00:00:0${index + 1}`,
  ipv4: `10.77.0.${index + 1}`,
  ipv6: `fd77::${index + 1}`,
}))

export function createHost({ namespace, port, mac, ipv4, ipv6 }: DemoHost): void {
  createNamespace(namespace)
  createVeth({ name: port }, { name: 'eth0', namespace, mac: parseMac(mac) })
  // The switch's side has no address and says nothing of its own.
  changeLink(port, { silent: true, up: true })
  inNamespace(namespace, () => {
    changeLink('eth0', { up: true })
    addAddress('eth0', `${ipv4}/24`)
    addAddress('eth0', `${ipv6}/64`)
  })
}

/** Also what an earlier run that was killed left behind. False where there was nothing. */
export function removeHost({ namespace, port }: DemoHost): boolean {
  const hadLink = deleteLink(port)
  return (namespaces().includes(namespace) && removeNamespace(namespace)) || hadLink
}
