import { formatMac } from '../base/address.ts'
import { interfaceText } from '../engine/graph/graph.ts'
import { openVirtualMachine } from '../vm/machine.ts'
import { type Arrival, uniqueName, type Wires } from './wires.ts'

/** Interfaces of a virtual machine, with an endpoint at each that gathers what comes out. */
export function openVirtualWires(linear?: number): Wires {
  const watched = new Set<string>()
  let arrived: Arrival[] = []
  const machine = openVirtualMachine({
    ...(linear === undefined ? {} : { linear }),
    stack: ({ interface: name, frame }) => {
      if (watched.has(name)) arrived.push({ interface: name, at: 'stack', frame })
    },
  })
  const known = new Set<string>()
  return {
    name: uniqueName(),
    machine,
    synchronous: true,
    inside: (run) => run(),
    namespace: (name) => name,
    add(one) {
      const name = interfaceText(one)
      if (known.has(name)) return
      known.add(name)
      machine.addInterface(name, { mac: formatMac(Uint8Array.of(6, 0, 0, 0, known.size >> 8, known.size & 0xff)) })
      machine.plug(name, { receive: (frame) => void arrived.push({ interface: name, at: 'wire', frame }) })
    },
    watchStack: (name) => void watched.add(name),
    send: (name, frame) => machine.receive(name, frame),
    transmit: (name, frame) => machine.transmit(name, frame),
    receive() {
      const taken = arrived
      arrived = []
      return taken
    },
    wait() {},
    advance: (nanoseconds) => machine.clock.advance(nanoseconds),
    [Symbol.dispose]: () => machine[Symbol.dispose](),
  }
}
