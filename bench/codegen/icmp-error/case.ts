import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

/** What comes out is an ICMP message itself, of which there are no errors. */
const codegenCase: CodegenCase = {
  prepare() {},
  packets: [
    packet().ethernet().ipv4({ timeToLive: 1 }).udp().payload(100).bytes(),
    packet().ethernet().ipv4({ timeToLive: 1 }).tcp().bytes(),
  ],
  repeat: 1,
}

export default codegenCase
