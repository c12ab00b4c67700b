/**
 * Copies of packets for several cubes. The kernel copies a packet to where an interface sends or receives, and to nowhere else: so
 * copies for cubes arrive at an interface of the engine's own, marked with the slot of the program that they are for, and the
 * program there goes over to that one.
 */
import { createHash } from 'node:crypto'
import { assemble, call, load, loadMap, mov, store, verdict } from '../backend/assemble.ts'
import { PROGRAMS } from '../compiler/assembly.ts'
import type { DataPlaneSource } from '../compiler/compile.ts'
import { programsMap } from '../compiler/wiring.ts'
import { SK_BUFF, TC_ACT } from '../isa/opcodes.ts'
import type { Program } from '../isa/program.ts'
import type { Graph } from './graph.ts'
import type { MetNode } from './nodes.ts'

/** The interface of a graph: names of interfaces are short. */
export const deviceOf = (graph: string): string =>
  `tess-${createHash('sha256').update(graph).digest('hex').slice(0, 8)}c`

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
const mayFlood = ({ modules }: DataPlaneSource): boolean =>
  [...modules.values()].some(({ text }) => /\bflood\b/.test(text))

/** Its marks are of one hop: what goes on has none. */
export const dispatcher = (slots: number): Program =>
  assemble(
    'copies',
    'tc',
    [
      load(4, 'r3', 'r1', SK_BUFF.tc_index),
      mov('r4', 0),
      store(4, 'r1', SK_BUFF.tc_index, 'r4'),
      loadMap('r2', PROGRAMS),
      call('tail_call'),
      verdict(TC_ACT.shot),
    ],
    { maps: { [PROGRAMS]: programsMap(slots) } },
  )
