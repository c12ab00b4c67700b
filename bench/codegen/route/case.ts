import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const source = '02:00:00:00:01:00'

/** Sixteen routes of several lengths; a packet goes round until its time to live is over. */
const codegenCase: CodegenCase = {
  prepare({ routes }) {
    const add = (destination: string, length: number, port: number) =>
      routes?.set({ destination, length }, { gateway: `02:00:00:00:02:0${port % 10}`, source, port })
    add('0.0.0.0', 0, 1)
    add('192.0.2.0', 24, 2)
    add('192.0.2.80', 32, 3)
    for (let index = 0; index < 13; index++) add(`10.${index}.0.0`, 16, 4 + index)
  },
  packets: ['192.0.2.80', '10.7.1.2', '203.0.113.9'].map((destination) =>
    packet().ethernet().ipv4({ destination, timeToLive: 255 }).udp().bytes(),
  ),
  repeat: 250,
}

export default codegenCase
