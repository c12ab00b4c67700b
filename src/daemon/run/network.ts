/** What graphs can be attached to: the interfaces and named network namespaces that this process sees. */
import { formatMac } from '../../base/address.ts'
import { namespaces } from '../../kernel/namespace.ts'
import { links } from '../../kernel/netlink/link.ts'
import type { NetworkView } from '../service/parts.ts'

export const networkView: NetworkView = {
  interfaces: () => links().map(({ name, index, mac, mtu, up }) => ({ name, index, mac: formatMac(mac), mtu, up })),
  namespaces,
}
