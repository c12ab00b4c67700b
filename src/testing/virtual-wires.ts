import { formatMac } from '../base/address.ts'
import { openVirtualMachine } from '../vm/machine.ts'
import { type Arrival, uniqueName, type Wires } from './wires.ts'

/** Interfaces of a virtual machine, with an endpoint at each that gathers what comes out. */
export function openVirtualWires(linear?: number): Wires {
  const machine = openVirtualMachine(linear === undefined ? {} : { linear })
  const ports = new Set<string>()
  let arrived: Arrival[] = []
  return {
    name: uniqueName(),
    machine,
    synchronous: true,
    add(port) {
      if (ports.has(port)) return
      ports.add(port)
      machine.addInterface(port, { mac: formatMac(Uint8Array.of(6, 0, 0, 0, ports.size >> 8, ports.size & 0xff)) })
      machine.plug(port, { receive: (frame) => void arrived.push({ port, frame }) })
    },
    interface: (port) => port,
    send: (port, frame) => machine.receive(port, frame),
    transmit: (port, frame) => machine.transmit(port, frame),
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
