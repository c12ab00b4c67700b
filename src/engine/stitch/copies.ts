/**
 * Copies of packets for several cubes. The kernel copies a packet to where an interface sends or receives, and to nowhere else: so
 * copies for cubes are sent out of an interface of the engine's own, marked with the program that they are for, and the program there
 * goes over to that one. What is sent is run at once, within the program that made the copy, where what is received would wait in a
 * queue: when no packet is with an old graph any more, neither is a copy.
 *
 * While a graph changes, both have a program there, and copies of either find theirs by their marks.
 */
import { alu32, assemble, call, jump32, label, load, loadMap, mov, store, verdict } from '../../backend/assemble.ts'
import { PROGRAMS } from '../../compiler/assembly.ts'
import type { DataPlaneSource } from '../../compiler/compile.ts'
import { GENERATION_BIT, type Generation, MOST_SLOTS } from '../../compiler/marked.ts'
import { programsMap } from '../../compiler/wiring.ts'
import { SK_BUFF, TC_ACT } from '../../isa/opcodes.ts'
import type { Program } from '../../isa/program.ts'
import type { Graph } from '../graph/graph.ts'
import type { MetNode } from '../graph/nodes.ts'
import { linkPath, WHOLE } from '../graph/paths.ts'

/** Where what hands out copies is pinned, when it is there. */
export const copiesPath = (graph: string, generation: Generation): string =>
  linkPath(graph, WHOLE, `copies-${generation}`, AT_DEVICE)

/** Where on the interface it is. */
export const AT_DEVICE = 'tc egress'

/** Whether a flood at a node may have to go to several cubes. */
export function copiesAt({ ways, port }: MetNode, source: DataPlaneSource): boolean {
  const others = ways.filter((way) => way.leads.to === 'node' && way.port !== port?.name)
  return others.length > 1 && mayFlood(source)
}

/** Whether a graph may need the interface, by what its links say. */
export const mayCopy = ({ instances }: Graph): boolean =>
  instances.some(
    ({ ports }) => ports.filter(({ link, through }) => link?.to === 'port' || through.length > 0).length > 1,
  )

/** Who floods has to write the word. */
function mayFlood(source: DataPlaneSource): boolean {
  const known = flooding.get(source)
  const found = known ?? [...source.modules.values()].some(({ text }) => /\bflood\b/.test(text))
  if (known === undefined) flooding.set(source, found)
  return found
}

/** A graph asks of each of its nodes. */
const flooding = new WeakMap<DataPlaneSource, boolean>()

/** Its marks are of one hop: what goes on has none. Those of the other generation are for another program at that place. */
export const dispatcher = (slots: number, generation: Generation): Program =>
  assemble(
    'copies',
    'tc',
    [
      load(4, 'r3', 'r1', SK_BUFF.tc_index),
      mov('r4', 'r3'),
      alu32('rsh', 'r4', GENERATION_BIT),
      jump32('jne', 'r4', generation, 'other'),
      alu32('and', 'r3', MOST_SLOTS),
      mov('r4', 0),
      store(4, 'r1', SK_BUFF.tc_index, 'r4'),
      loadMap('r2', PROGRAMS),
      call('tail_call'),
      verdict(TC_ACT.shot),
      label('other'),
      verdict(TC_ACT.next),
    ],
    { maps: { [PROGRAMS]: programsMap(slots) } },
  )
