import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

/** A request for one of a hundred hosts. Once answered it is none any more. */
const codegenCase: CodegenCase = {
  prepare({ hosts }) {
    for (let host = 1; host <= 100; host++)
      hosts?.set({ address: `10.0.0.${host}` }, { mac: `02:00:00:00:00:${host.toString(16).padStart(2, '0')}` })
  },
  packets: [
    packet()
      .ethernet({ destination: 'ff:ff:ff:ff:ff:ff' })
      .arp({ operation: 1, senderAddress: '10.0.0.200', targetAddress: '10.0.0.42' })
      .bytes(),
  ],
  repeat: 1,
}

export default codegenCase
