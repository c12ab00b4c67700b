/** Link types, the numbers that both formats share (https://www.tcpdump.org/linktypes.html, registered by IANA). */
export const LINKTYPE_ETHERNET = 1

interface LinkType {
  readonly name: string
  /** Where frames of that kind come from, and how Ethernet would be captured instead. */
  readonly remedy?: string
}

const COOKED: LinkType = {
  name: 'Linux cooked, without Ethernet headers',
  remedy: 'that is what "any" captures: name one interface instead, tcpdump -i eth0 -w FILE',
}
const RAW: LinkType = {
  name: 'raw IP, without Ethernet headers',
  remedy: 'capture on an Ethernet interface, or put headers before the packets: tcprewrite --dlt=enet',
}
const RADIO: LinkType = {
  name: 'Wi-Fi in monitor mode',
  remedy: 'capture without monitor mode (tcpdump without -I): frames are Ethernet then',
}

const KNOWN: ReadonlyMap<number, LinkType> = new Map([
  [0, { name: 'BSD loopback' }],
  [9, { name: 'PPP' }],
  [12, RAW],
  [14, RAW],
  [101, RAW],
  [105, RADIO],
  [108, { name: 'OpenBSD loopback' }],
  [113, COOKED],
  [119, RADIO],
  [127, RADIO],
  [163, RADIO],
  [192, { name: 'per-packet information (PPI)' }],
  [220, { name: 'USB' }],
  [228, RAW],
  [229, RAW],
  [239, { name: 'NFLOG' }],
  [249, { name: 'USB' }],
  [253, { name: 'netlink' }],
  [276, COOKED],
])

/** What a link type is called, and what to do where it is not Ethernet. */
export function describeLinkType(number: number): { readonly name: string; readonly remedy: string } {
  const { name, remedy = 'only Ethernet can be read: capture on an Ethernet interface' } = KNOWN.get(number) ?? {
    name: 'unknown here',
  }
  return { name: `link type ${number} (${name})`, remedy }
}
