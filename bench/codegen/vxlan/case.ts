import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const address = (host: number) => `02:00:00:00:01:${host.toString(16).padStart(2, '0')}`

/** A packet can be put into a tunnel once. */
const codegenCase: CodegenCase = {
  prepare({ ends }) {
    for (let host = 0; host < 200; host++)
      ends?.set(
        { address: address(host) },
        { remote: `198.51.100.${host % 7}`, id: 42, gateway: '02:00:00:00:02:01', source: '02:00:00:00:02:02' },
      )
  },
  packets: [7, 70].map((host) =>
    packet()
      .ethernet({ destination: address(host) })
      .ipv4()
      .udp()
      .payload(100)
      .bytes(),
  ),
  repeat: 1,
}

export default codegenCase
