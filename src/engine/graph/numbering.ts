/** Ports have numbers, which data planes and tables know them by. */
import { own } from '../../base/own.ts'
import { type Graph, linkText } from './graph.ts'

/** Port numbers by instance. State refers to ports by number, so a number is not soon given to another port. */
export type Numbering = Readonly<Record<string, InstanceNumbers>>

export interface InstanceNumbers {
  readonly ids: Readonly<Record<string, number>>
  /** The next number that no port has had. */
  readonly next: number
}

/** The counters of an instance have room for this many ports at least; then for twice as many, and so on. */
const SMALLEST_CAPACITY = 64
/** Port numbers have 16 bits, and the last one is none's. */
const MOST_PORTS = 65_535

export const capacityOf = ({ ids }: InstanceNumbers): number => {
  const most = Math.max(0, ...Object.values(ids)) + 1
  return Math.max(SMALLEST_CAPACITY, 2 ** Math.ceil(Math.log2(most)))
}

/** All numbers have been used: the first that nobody has now. */
function unused(taken: readonly number[]): number {
  const all = new Set(taken)
  return Array.from({ length: MOST_PORTS }, (_, one) => one).find((one) => !all.has(one)) ?? 0
}

/**
 * Numbers for the ports of a graph: known ports keep theirs, new ones get numbers that were never used. A port that is called otherwise
 * than in the graph `was`, and leads where that one led, is the same: what tables know of it is still there.
 */
export function numberPorts(graph: Graph, before: Numbering = {}, was?: Graph): Numbering {
  const old = new Map(was?.instances.map((instance) => [instance.name, instance.ports]))
  return Object.fromEntries(
    graph.instances.map(({ name, ports }) => {
      const known = own(before, name) ?? { ids: {}, next: 0 }
      const names = new Set(ports.map((port) => port.name))
      const left = (old.get(name) ?? []).filter((port) => !names.has(port.name) && port.link !== undefined)
      const called = new Map(left.map((port) => [linkText(port.link), port.name]))
      let { next } = known
      const ids: Record<string, number> = {}
      for (const port of ports) {
        const id = own(known.ids, port.name) ?? own(known.ids, called.get(linkText(port.link)) ?? port.name)
        if (id !== undefined) ids[port.name] = id
        else if (next < MOST_PORTS) ids[port.name] = next++
        else ids[port.name] = unused([...Object.values(known.ids), ...Object.values(ids)])
      }
      return [name, { ids, next }]
    }),
  )
}
