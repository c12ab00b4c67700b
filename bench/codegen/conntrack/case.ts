import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const [client, server] = ['10.0.0.1', '192.0.2.80']
const established = 3

/** A connection in the middle of its life, both directions. */
const codegenCase: CodegenCase = {
  prepare({ connections }, now) {
    connections?.set(
      { source: client, destination: server, sourcePort: 40_000, destinationPort: 443 },
      { state: established, seen: now },
    )
  },
  packets: [
    packet()
      .ethernet()
      .ipv4({ source: client, destination: server })
      .tcp({ sourcePort: 40_000, destinationPort: 443, ack: 1, syn: 0 })
      .bytes(),
    packet()
      .ethernet()
      .ipv4({ source: server, destination: client })
      .tcp({ sourcePort: 443, destinationPort: 40_000, ack: 1, syn: 0 })
      .bytes(),
  ],
}

export default codegenCase
