import { existsSync, writeFileSync } from 'node:fs'
import { Held } from '../base/held.ts'
import { interfaceText } from '../engine/graph/graph.ts'
import { openKernelMachine } from '../kernel/machine.ts'
import { createNamespace, inNamespace, namespaces, removeNamespace } from '../kernel/namespace.ts'
import { changeLink, createVeth } from '../kernel/netlink/link.ts'
import { RawSocket, waitFor } from '../kernel/raw-socket.ts'
import { through } from './through.ts'
import { type Arrival, isStale, uniqueName, type Wires } from './wires.ts'

/** What works on a map's own handle, wherever the process is. Updates of a devmap look for the interface where it is. */
const ANYWHERE: ReadonlySet<string> = new Set(['lookup', 'delete', 'entries', 'now'])

/** What a stack gets after the programs; a socket for all protocols would see it before. */
const PROTOCOLS = [0x0800, 0x0806, 0x86dd]

/** Of the interfaces that a namespace gets from now on (Linux Documentation/networking/ip-sysctl.rst). */
const ACCEPT_RA = '/proc/sys/net/ipv6/conf/default/accept_ra'

interface Wire {
  /** The end that frames are sent into, and come out of. */
  readonly socket: RawSocket
  readonly stack: RawSocket[]
}

/** Pairs of veth in a network namespace of their own; a wire is held by a packet socket at its other end. */
export function openKernelWires(): Wires {
  removeStale()
  const name = uniqueName()
  const held = new Held()
  const wires = new Map<string, Wire>()
  const inside = <T>(run: () => T): T => inNamespace(name, run)
  const kernel = held.use(openKernelMachine())
  const names = new Map<string, string>()
  const create = (one: string): string => {
    createNamespace(one)
    held.use({ [Symbol.dispose]: () => void removeNamespace(one) })
    // A router advertisement among the frames of a test gives no interface an address, which the stack would speak of.
    if (existsSync(ACCEPT_RA)) inNamespace(one, () => writeFileSync(ACCEPT_RA, '0'))
    return one
  }
  create(name)
  // Also for whoever asks from outside: it is compared with what is kept of a graph.
  Object.defineProperty(kernel, 'namespace', { value: inside(() => kernel.namespace) })
  const namespace = (one: string): string => {
    const known = names.get(one) ?? create(`${name}-${one}`)
    names.set(one, known)
    return known
  }
  const wireOf = (one: string): Wire => {
    const wire = wires.get(one)
    if (wire === undefined) throw new RangeError(`there is no interface ${one}`)
    return wire
  }
  return {
    name,
    machine: through(kernel, (operation, run) => (ANYWHERE.has(operation) ? run() : inside(run))),
    synchronous: false,
    inside,
    namespace,
    add(one) {
      const text = interfaceText(one)
      if (wires.has(text)) return
      const other = { name: `wire${wires.size}` }
      const there = one.namespace === undefined ? undefined : namespace(one.namespace)
      inside(() => {
        createVeth({ name: one.interface, namespace: there }, other)
        changeLink(other.name, { silent: true, up: true })
      })
      const change = () => changeLink(one.interface, { silent: true, up: true })
      if (there === undefined) inside(change)
      else inNamespace(there, change)
      const open = (): RawSocket =>
        there === undefined
          ? inside(() => RawSocket.open(other.name))
          : inNamespace(there, () => RawSocket.open(one.interface))
      wires.set(text, { socket: held.use(open()), stack: [] })
    },
    watchStack(text) {
      const { stack } = wireOf(text)
      if (stack.length > 0) return
      for (const protocol of PROTOCOLS) stack.push(held.use(inside(() => RawSocket.open(text, protocol))))
    },
    send: (text, frame) => wireOf(text).socket.send(frame),
    transmit(text, frame) {
      wireOf(text)
      using socket = inside(() => RawSocket.open(text))
      socket.offer(frame)
    },
    receive: () =>
      [...wires].flatMap(([text, { socket, stack }]): Arrival[] => [
        ...framesOf(socket).map((frame) => ({ interface: text, at: 'wire' as const, frame })),
        ...stack.flatMap(framesOf).map((frame) => ({ interface: text, at: 'stack' as const, frame })),
      ]),
    wait: (milliseconds) =>
      void waitFor(
        [...wires.values()].flatMap(({ socket, stack }) => [socket, ...stack]),
        milliseconds,
      ),
    advance() {},
    [Symbol.dispose]: () => held[Symbol.dispose](),
  }
}

function framesOf(socket: RawSocket): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let frame = socket.receive(); frame !== undefined; frame = socket.receive()) frames.push(frame)
  return frames
}

/** What runs that were killed have left. */
function removeStale(): void {
  using machine = openKernelMachine()
  for (const path of machine.pinned('')) if (isStale(path.split('/')[0] ?? '')) machine.unpin(path)
  for (const name of namespaces()) if (isStale(name)) removeNamespace(name)
}
