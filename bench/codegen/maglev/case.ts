import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const BACKENDS = 7
const filled = new WeakSet<object>()

/** A full table, seven backends. */
const codegenCase: CodegenCase = {
  prepare({ slots }) {
    if (slots === undefined || filled.has(slots)) return
    for (let index = 0; index < 65_537; index++) slots.set({ index }, { backend: 1 + ((index * 31) % BACKENDS) })
    filled.add(slots)
  },
  packets: [
    packet()
      .ethernet()
      .ipv4({ source: '198.51.100.7', destination: '192.0.2.80' })
      .udp({ sourcePort: 40_000, destinationPort: 443 })
      .bytes(),
  ],
}

export default codegenCase
