import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const alice = { mac: '02:00:00:00:00:0a', address: '10.0.0.1' }
const bob = { mac: '02:00:00:00:00:0b', address: '10.0.0.2' }

/** An honest answer. */
const codegenCase: CodegenCase = {
  prepare({ bindings }) {
    bindings?.set({ address: alice.address }, { owner: alice.mac, port: 0 })
    bindings?.set({ address: bob.address }, { owner: bob.mac, port: 1 })
  },
  packets: [
    packet()
      .ethernet({ source: alice.mac, destination: bob.mac })
      .arp({
        operation: 2,
        senderMac: alice.mac,
        senderAddress: alice.address,
        targetMac: bob.mac,
        targetAddress: bob.address,
      })
      .bytes(),
  ],
}

export default codegenCase
