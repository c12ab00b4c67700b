/**
 * A bridge, a small router and a small filter, stitched by the engine, against one program in C that is all three: the same maps and
 * packets, and what becomes of a packet is compared before anything is measured. Ours count at every port of every cube. Of the
 * program in C there are two: one counts at interfaces, as its author would, and one counts nothing.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine, MachineMap } from '../../src/backend/machine.ts'
import { equal } from '../../src/base/bytes.ts'
import { PROGRAMS } from '../../src/compiler/assembly.ts'
import { type DataPlaneSource, readDataPlane } from '../../src/compiler/compile.ts'
import { counter } from '../../src/compiler/wiring.ts'
import { builtinCubes } from '../../src/daemon/host.ts'
import { controlTable } from '../../src/engine/control/tables.ts'
import type { InterfaceName } from '../../src/engine/graph/graph.ts'
import { topology } from '../../src/engine/graph/nodes.ts'
import { numberPorts } from '../../src/engine/graph/numbering.ts'
import { readGraph } from '../../src/engine/read/read.ts'
import { assembleTopology, type GraphPrograms } from '../../src/engine/stitch/assemblies.ts'
import { type MapDescription, type Program, slotsOf } from '../../src/isa/program.ts'
import { programInfo } from '../../src/kernel/bpf.ts'
import { openKernelMachine } from '../../src/kernel/machine.ts'
import { KernelProgram } from '../../src/kernel/programs.ts'
import { type ControlTable, describe, type Fields, struct, type Table, u32 } from '../../src/lang/index.ts'
import { packet } from '../../src/testing/index.ts'
import { compileC } from '../clang.ts'
import { lowerQuartile, type Part, part } from '../comparison.ts'
import { EMPTY } from '../empty.ts'

const FOLDER = join(import.meta.dirname, 'three')
const INTERFACES: Readonly<Record<string, number>> = { alice: 0x7ffffff0, bob: 0x7ffffff1, wan: 0x7ffffff2 }
const PEERS = ['counting', 'silent'] as const

const [alice, bob, router] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:01:00']

const from = { source: alice, destination: router }
const routed = { destination: '192.0.2.80', timeToLive: 255 }

/** What is sent on can be sent once more, until its time to live is over: the next hop has the router's address, and its own is alice's. */
const PACKETS = {
  routed: packet().ethernet(from).ipv4(routed).tcp({ destinationPort: 443 }).bytes(),
  denied: packet().ethernet(from).ipv4(routed).udp({ destinationPort: 161 }).bytes(),
  bridged: packet().ethernet({ source: alice, destination: bob }).ipv4().udp().bytes(),
}
/** Others that must be treated alike: strangers, the way back into the bridge, no way, no time left, not for the router. */
const OTHERS = [
  packet().ethernet({ source: alice, destination: '02:00:00:00:00:77' }).ipv4().udp().bytes(),
  packet().ethernet({ source: alice, destination: alice }).ipv4().udp().bytes(),
  packet().ethernet({ source: 'ff:ff:ff:ff:ff:ff', destination: router }).ipv4().udp().bytes(),
  packet()
    .ethernet(from)
    .ipv4({ ...routed, destination: '10.1.2.3' })
    .udp()
    .bytes(),
  packet()
    .ethernet(from)
    .ipv4({ ...routed, destination: '172.16.0.1' })
    .udp()
    .bytes(),
  packet()
    .ethernet(from)
    .ipv4({ ...routed, timeToLive: 1 })
    .udp()
    .bytes(),
  packet().ethernet(from).ipv4(routed).icmp().bytes(),
]
/** Runs of one packet: fewer than what it has to live. */
const REPEAT = 250
const COPIES = 8

type Tables = Readonly<Record<string, ControlTable<Fields, Fields>>>

function prepare({ stations, routes, services }: Tables, now: bigint): void {
  stations?.set({ address: alice }, { port: 0, seen: now })
  stations?.set({ address: bob }, { port: 1, seen: now })
  stations?.set({ address: router }, { port: 2, seen: now })
  const add = (destination: string, length: number, port: number, gateway: string) =>
    routes?.set({ destination, length }, { gateway, source: alice, port })
  add('192.0.2.0', 24, 1, router)
  add('192.0.2.80', 32, 1, router)
  add('10.1.0.0', 16, 0, bob)
  for (let index = 0; index < 13; index++) add(`198.18.${index}.0`, 24, 1, router)
  for (const port of [80, 443, 853]) services?.set({ port, protocol: 6 }, { allowed: 1 })
}

/** Ours, then the peers, each with maps of its own. */
interface Loaded {
  readonly program: KernelProgram
  readonly prepare: () => void
}

export interface Three {
  /** Against the program that counts. */
  readonly three: Part
  readonly silent: Part
  readonly instructions: Part
  readonly verified: Part
}

export async function measureThree(quick: boolean): Promise<Three> {
  using machine = openKernelMachine()
  const { tables, programs } = await stitched(machine.cpus)
  const described: Readonly<Record<string, MapDescription>> = {
    ...Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, describe(table)])),
    counters: { kind: 'percpu_array', key: struct('what', { index: u32 }).layout, value: counter.layout, entries: 16 },
  }
  const peers = PEERS.map((name) => compileC(join(FOLDER, `${name}.c`), 'peer', described).program)
  const makeAll = () => [
    loadOurs(machine, programs, tables),
    ...peers.map((peer) => load(machine, peer, makeMaps(machine, peer), tables)),
  ]
  const copies = Array.from({ length: COPIES }, makeAll)
  const [first = []] = copies
  for (const given of [...Object.values(PACKETS), ...OTHERS]) compare(first, given)
  const empty = load(machine, EMPTY, {}, {}).program

  const given = Object.values(PACKETS)
  const samples = given.map(() => Array.from({ length: 1 + first.length }, () => [] as number[]))
  for (let round = 0; round < COPIES * (quick ? 50 : 300); round++)
    for (const [index, one] of given.entries()) {
      samples[index]?.[0]?.push(empty.time(one, REPEAT))
      for (const [place, { prepare, program }] of (copies[round % COPIES] ?? []).entries()) {
        prepare()
        samples[index]?.[place + 1]?.push(program.time(one, REPEAT))
      }
    }
  const times = samples
    .map((all) => all.map(lowerQuartile))
    .map(([nothing = 0, ...all]) => all.map((one) => one - nothing))
  const against = (peer: number): Part =>
    part(
      'ns per packet',
      Object.keys(PACKETS).map((name, index) => {
        const [ours = 0, ...theirs] = times[index] ?? []
        return { case: name, ours, peer: theirs[peer] ?? 0 }
      }),
    )
  const counted = (unit: string, of: (one: KernelProgram) => number): Part => {
    const [ours = 0, ...theirs] = first.map(({ program }) => of(program))
    return part(
      unit,
      PEERS.map((name, index) => ({ case: name, ours, peer: theirs[index] ?? 0 })),
    )
  }
  return {
    three: against(0),
    silent: against(1),
    instructions: counted('instructions', ({ program }) =>
      program.instructions.reduce((sum, one) => sum + slotsOf(one), 0),
    ),
    verified: counted('instructions the verifier processed', verified),
  }
}

/** What the engine makes of the graph. Tables by their names, of which each cube has others. */
async function stitched(cpus: number): Promise<{ tables: Readonly<Record<string, Table>>; programs: GraphPrograms }> {
  const file = join(FOLDER, 'graph.yaml')
  const { graph, cubes } = await readGraph(file, readFileSync(file, 'utf8'), builtinCubes())
  const sources = new Map<string, DataPlaneSource>()
  for (const [name, { dataplane }] of cubes) sources.set(name, await readDataPlane(dataplane))
  const facts = ({ interface: name }: InterfaceName) => ({ name, index: INTERFACES[name] ?? 0 })
  const numbering = numberPorts(graph)
  const point = 'tc ingress'
  const options = {
    graph,
    numbering,
    sources,
    facts,
    point,
    clock: 'kernel',
    cpus,
    tessera: '',
    generation: 0,
  } as const
  const programs = assembleTopology(options, topology(graph, point))
  return { tables: Object.assign({}, ...[...cubes.values()].map(({ cube }) => cube.state)), programs }
}

const makeMaps = (machine: Machine, { maps }: Program): Readonly<Record<string, MachineMap>> =>
  Object.fromEntries(
    Object.entries(maps).map(([name, one]) => [name, machine.createMap(name.split('/').at(-1) ?? name, one)]),
  )

/** The program for what arrives from alice, with all that it goes over to. */
function loadOurs(
  machine: Machine,
  { entries, slots }: GraphPrograms,
  tables: Readonly<Record<string, Table>>,
): Loaded {
  const { program } = entries.find(({ entry }) => entry.port === 'alice') ?? {}
  if (program === undefined) throw new Error('no program for alice')
  const others = [...slots].map(([slot, one]) => ({ slot, program: one.program }))
  const all = [program, ...others.map((one) => one.program)]
  const maps = makeMaps(machine, { ...program, maps: Object.assign({}, ...all.map((one) => one.maps)) })
  for (const one of others) maps[PROGRAMS]?.install(one.slot, load(machine, one.program, maps, {}).program)
  return load(machine, program, maps, tables)
}

function load(
  machine: Machine,
  program: Program,
  maps: Readonly<Record<string, MachineMap>>,
  tables: Readonly<Record<string, Table>>,
): Loaded {
  const own = Object.fromEntries(Object.entries(maps).filter(([name]) => name in program.maps))
  const loaded = machine.load(program, own)
  if (!(loaded instanceof KernelProgram)) throw new Error('not a program of the kernel')
  const filled = Object.entries(maps).flatMap(([name, map]) => {
    const table = tables[name.split('/').at(-1) ?? name]
    return table === undefined ? [] : [[name.split('/').at(-1), controlTable(table, map)] as const]
  })
  const given: Tables = Object.fromEntries(filled)
  return { program: loaded, prepare: () => prepare(given, machine.now()) }
}

function compare(all: readonly Loaded[], given: Uint8Array): void {
  const [ours, ...theirs] = all.map(({ program, prepare }) => {
    prepare()
    return program.run(given)
  })
  for (const [index, peer] of theirs.entries())
    if (ours?.verdict !== peer.verdict || !equal(ours.packet, peer.packet))
      throw new Error(`ours returns ${ours?.verdict}, ${PEERS[index]} ${peer.verdict}, or the packets differ`)
}

function verified({ fd }: KernelProgram): number {
  const info = programInfo(fd)
  if (typeof info === 'number') throw new Error(`no information about a program: ${-info}`)
  return info.verified
}
