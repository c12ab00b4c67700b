import { Held } from '../base/held.ts'
import { openKernelMachine } from '../kernel/machine.ts'
import { createNamespace, inNamespace, namespaces, removeNamespace } from '../kernel/namespace.ts'
import { changeLink, createVeth } from '../kernel/netlink/link.ts'
import { RawSocket, waitFor } from '../kernel/raw-socket.ts'
import { through } from './through.ts'
import { isStale, uniqueName, type Wires } from './wires.ts'

/** What works on a map's own handle, wherever the process is. Updates of a devmap look for the interface where it is. */
const ANYWHERE: ReadonlySet<string> = new Set(['lookup', 'delete', 'entries', 'now'])

/** Pairs of veth in a network namespace of their own; a wire is held by a packet socket at its outer end. */
export function openKernelWires(): Wires {
  removeStale()
  const name = uniqueName()
  const held = new Held()
  const wires = new Map<string, { readonly interface: string; readonly socket: RawSocket }>()
  const inside = <T>(run: () => T): T => inNamespace(name, run)
  const kernel = held.use(openKernelMachine())
  createNamespace(name)
  held.use({ [Symbol.dispose]: () => void removeNamespace(name) })
  const wireOf = (port: string) => {
    const wire = wires.get(port)
    if (wire === undefined) throw new RangeError(`there is no wire at port ${port}`)
    return wire
  }
  return {
    name,
    machine: through(kernel, (operation, run) => (ANYWHERE.has(operation) ? run() : inside(run))),
    synchronous: false,
    add(port) {
      if (wires.has(port)) return
      // Interface names are too short for the names of ports.
      const [inner, outer] = [`port${wires.size}`, `wire${wires.size}`]
      inside(() => {
        createVeth({ name: inner }, { name: outer })
        for (const end of [inner, outer]) changeLink(end, { silent: true, up: true })
        wires.set(port, { interface: inner, socket: held.use(RawSocket.open(outer)) })
      })
    },
    interface: (port) => wireOf(port).interface,
    send: (port, frame) => wireOf(port).socket.send(frame),
    transmit(port, frame) {
      using socket = inside(() => RawSocket.open(wireOf(port).interface))
      socket.offer(frame)
    },
    receive: () =>
      [...wires].flatMap(([port, { socket }]) => {
        const frames: Uint8Array[] = []
        for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) frames.push(frame)
        return frames.map((frame) => ({ port, frame }))
      }),
    wait: (milliseconds) =>
      void waitFor(
        [...wires.values()].map(({ socket }) => socket),
        milliseconds,
      ),
    advance() {},
    [Symbol.dispose]: () => held[Symbol.dispose](),
  }
}

/** What runs that were killed have left. */
function removeStale(): void {
  using machine = openKernelMachine()
  for (const path of machine.pinned('')) if (isStale(path.split('/')[0] ?? '')) machine.unpin(path)
  for (const name of namespaces()) if (isStale(name)) removeNamespace(name)
}
