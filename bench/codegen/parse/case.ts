import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const addresses = { source: '10.0.0.1', destination: '192.0.2.80' }
const ports = { sourcePort: 40_000, destinationPort: 443 }

const codegenCase: CodegenCase = {
  prepare() {},
  // Untagged: a test run leaves a tag in the packet, and one with a tag there is no IPv4 to this parser.
  packets: [packet().ethernet().ipv4(addresses).udp(ports).bytes()],
}

export default codegenCase
