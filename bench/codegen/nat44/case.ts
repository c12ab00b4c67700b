import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const [inside, outside] = [
  { address: '10.0.0.1', port: 40_000 },
  { address: '203.0.113.1', port: 61_000 },
]

/** What is translated is translated back by the next round. */
const codegenCase: CodegenCase = {
  prepare({ translations }) {
    for (const protocol of [6, 17]) {
      translations?.set({ ...inside, protocol }, outside)
      translations?.set({ ...outside, protocol }, inside)
    }
  },
  packets: [
    packet().ethernet().ipv4({ source: inside.address }).tcp({ sourcePort: inside.port }).bytes(),
    packet().ethernet().ipv4({ source: inside.address }).udp({ sourcePort: inside.port }).payload('question').bytes(),
  ],
}

export default codegenCase
