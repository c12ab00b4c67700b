/** Which packets, on a command line: in the words of tcpdump, or by fields. */
import { type Command, InvalidArgumentError } from 'commander'
import { type FlowFields, flowFieldsOf } from '../filter/flow-fields.ts'

export interface FilterOptions extends FlowFields {
  readonly filter?: string
}

export const filterHelp = `
Filters are those of tcpdump (man pcap-filter), for which libpcap must be installed, or fields, which all have to hold.`

/** Adds the options to a command. */
export const withFilter = (command: Command): Command =>
  command
    .option('-f, --filter <filter>', "which packets, in tcpdump's words: 'tcp and host 10.0.0.1 and port 80'")
    .option('--source <address>', 'which packets: from this address or prefix')
    .option('--destination <address>', 'to this address or prefix')
    .option('--host <address>', 'from or to it')
    .option('--protocol <protocol>', 'tcp, udp, sctp, icmp, icmpv6, gre, arp, ipv4, ipv6, or a number')
    .option('--source-port <port>', 'from this port', number(65_535))
    .option('--destination-port <port>', 'to this port', number(65_535))
    .option('--port <port>', 'from or to it', number(65_535))
    .option('--vlan <id>', 'with this VLAN tag outermost; 0: without one', number(4095))

/** What was said of packets, without what else was. */
export const askedOf = ({ filter, ...rest }: FilterOptions): FilterOptions => ({
  ...flowFieldsOf(rest),
  ...(filter === undefined ? {} : { filter }),
})

/** A whole number. */
export const number =
  (most: number, least = 0) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`write a number from ${least} to ${most}`)
    return value
  }

/** How many there are to be: one at least. */
export const count = number(Number.MAX_SAFE_INTEGER, 1)
