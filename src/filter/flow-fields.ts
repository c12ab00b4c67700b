/** Which fields of flows filters can ask for. */

/**
 * All that are said have to hold. Addresses may be prefixes, `10.0.0.0/8`, and those of ARP count, as tcpdump has it. VLAN tags are looked behind, up to three, and extension
 * headers of IPv6, up to two. Later fragments have no ports.
 */
export interface FlowFields {
  readonly source?: string | undefined
  readonly destination?: string | undefined
  /** Source or destination. */
  readonly host?: string | undefined
  /** `tcp`, `udp`, `icmp`, …, `arp`, `ipv4`, `ipv6`, or a number of IANA's. */
  readonly protocol?: string | undefined
  readonly sourcePort?: number | undefined
  readonly destinationPort?: number | undefined
  /** Source or destination, of TCP, UDP or SCTP. */
  readonly port?: number | undefined
  /** Of the outer tag; 0 for packets without one. */
  readonly vlan?: number | undefined
}

/** Those that are said, of whatever else is said with them. */
export function flowFieldsOf(said: FlowFields): FlowFields {
  const { source, destination, host, protocol, sourcePort, destinationPort, port, vlan } = said
  const all = { source, destination, host, protocol, sourcePort, destinationPort, port, vlan }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
