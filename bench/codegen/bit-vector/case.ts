import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const [source, destination] = ['10.0.0.1', '192.0.2.80']
const rule = 1000

/** Each dimension alone matches many rules, all three together only one in the last word. */
const codegenCase: CodegenCase = {
  prepare({ sources, destinations, ports, sourceWords, destinationWords, portWords, actions }) {
    sources?.set({ address: source }, { class: 3 })
    destinations?.set({ address: destination }, { class: 4 })
    ports?.set({ index: 443 }, { class: 5 })
    for (let word = 0; word < 16; word++) {
      const last = word === rule >> 6 ? 1n << BigInt(rule & 63) : 0n
      sourceWords?.set({ index: 3 * 16 + word }, { word: 0x0f0f_0f0f_0000_0000n | last })
      destinationWords?.set({ index: 4 * 16 + word }, { word: 0xf0f0_f0f0_ffff_0000n | last })
      portWords?.set({ index: 5 * 16 + word }, { word: 0x0000_0000_0000_ffffn | last })
    }
    actions?.set({ index: rule }, { port: 7 })
  },
  packets: [
    packet().ethernet().ipv4({ source, destination }).udp({ sourcePort: 40_000, destinationPort: 443 }).bytes(),
  ],
}

export default codegenCase
