import { concat } from '../../../src/base/bytes.ts'
import { PROTOCOL } from '../../../src/lang/index.ts'
import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const addresses = { source: '10.0.0.1', destination: '192.0.2.80' }
const ports = { sourcePort: 40_000, destinationPort: 443 }
/** RFC 8200 sections 4.3 and 4.6: options that are all padding. */
const extension = (next: number) => new Uint8Array([next, 0, 1, 4, 0, 0, 0, 0])
const DESTINATION_OPTIONS = 60

const codegenCase: CodegenCase = {
  prepare() {},
  // A test run leaves the tag in the packet: it is one for the parser.
  packets: [
    packet().ethernet().ipv4(addresses).udp(ports).bytes(),
    packet().ethernet().vlan({ id: 5 }).ipv4(addresses).tcp(ports).bytes(),
    packet()
      .ethernet()
      .ipv4({ ...addresses, options: new Uint8Array(12) })
      .tcp(ports)
      .bytes(),
    packet()
      .ethernet()
      .ipv4({ ...addresses, fragmentOffset: 10 })
      .payload(100)
      .bytes(),
    packet().ethernet().ipv6().udp(ports).bytes(),
    packet()
      .ethernet()
      .ipv6({ nextHeader: 0 })
      .payload(concat(extension(DESTINATION_OPTIONS), extension(PROTOCOL.udp), packet().udp(ports).bytes()))
      .bytes(),
  ],
}

export default codegenCase
