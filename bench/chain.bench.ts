/**
 * What one more cube costs that lets everything pass, in chains of 1 to 16. Ours are one program, and count packets and bytes at
 * each port. The peers are written in C, count nothing, and go from function to function as InKeV does, by a lookup in an array
 * and a tail call, and as Polycube does, by a lookup in a hash and a tail call.
 *
 * A chain's time is that of BPF_PROG_TEST_RUN: the lower quartile of interleaved rounds. Of it the time of the shortest one is
 * taken off, and what is left belongs to the cubes that were added; for the shortest, the time of an empty program.
 *
 * `three` are three cubes that do something, against one program that is all of them: see chain/three.ts.
 */
import { join } from 'node:path'
import type { MachineMap } from '../src/backend/machine.ts'
import type { Node } from '../src/compiler/assembly.ts'
import { assemble, readDataPlane } from '../src/compiler/compile.ts'
import { programsMap } from '../src/compiler/wiring.ts'
import { TC_ACT } from '../src/isa/opcodes.ts'
import type { MapDescription, MapKind, Program } from '../src/isa/program.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { KernelProgram } from '../src/kernel/programs.ts'
import { struct, u32 } from '../src/lang/index.ts'
import { packet } from '../src/testing/packet.ts'
import { measureThree } from './chain/three.ts'
import { compileC } from './clang.ts'
import { type Comparison, chosen, lowerQuartile, part } from './comparison.ts'
import { EMPTY } from './empty.ts'

const LENGTHS = ['1', '2', '4', '8', '16']
/** The case that is no chain: see chain/three.ts. */
const THREE = 'three'
const LONGEST = 16
/** How often each chain is loaded: the kernel puts code at random addresses, some of which are slow. */
const COPIES = 4

const frame = packet().ethernet().ipv4().udp().bytes()

const comparison: Comparison = async ({ quick, cases }) => {
  const asked = chosen([...LENGTHS, THREE], cases)
  const three = asked.includes(THREE) ? await measureThree(quick) : undefined
  const chains = asked.filter((one) => one !== THREE)
  if (three !== undefined && chains.length === 0) {
    const { three: cases, ...others } = three
    return { ...cases, ...others }
  }
  return { ...(await measureChains(quick, chains)), ...three }
}

export default comparison

async function measureChains(quick: boolean, cases: readonly string[]) {
  const lengths = [...new Set(['1', ...cases])].map(Number)
  const source = await readDataPlane(join(import.meta.dirname, '../src/testing/cubes/patch/dataplane.ts'))
  using machine = openKernelMachine()

  const load = (program: Program, maps: Readonly<Record<string, MachineMap>> = {}): KernelProgram => {
    const made = Object.entries(program.maps).map(
      ([name, one]) => [name, maps[name] ?? machine.createMap(name.split('/').at(-1) ?? name, one)] as const,
    )
    const loaded = machine.load(program, Object.fromEntries(made))
    if (!(loaded instanceof KernelProgram)) throw new Error('not a program of the kernel')
    return loaded
  }

  const ours = (length: number): KernelProgram => {
    const node = (_: unknown, index: number): Node => ({
      source,
      instance: `p${index}`,
      config: {},
      port: { id: 0, config: {} },
      capacity: 2,
      ways: [
        { port: 0, to: 'interface', ifindex: 0x7ffffff0 },
        index === length - 1
          ? { port: 1, to: 'interface', ifindex: 0x7ffffff1 }
          : { port: 1, to: 'node', node: index + 1 },
      ],
    })
    return load(assemble({ name: 'chain', cpus: machine.cpus, nodes: Array.from({ length }, node) }))
  }

  const peer = (kind: MapKind) => {
    const described: Readonly<Record<string, MapDescription>> = {
      programs: programsMap(LONGEST + 1),
      links: { kind, key: place.layout, value: next.layout, entries: LONGEST + 1 },
    }
    const [hop, end] = ['hop', 'end'].map(
      (name) => compileC(join(import.meta.dirname, `chain/${name}.c`), name, described).program,
    )
    if (hop === undefined || end === undefined) throw new Error('no peer')
    return (length: number): KernelProgram => {
      const maps = Object.fromEntries(
        Object.entries(described).map(([name, one]) => [name, machine.createMap(name, one)]),
      )
      const first = load(hop, maps)
      for (let at = 0; at < length; at++) {
        maps.links?.update(words(at), words(at + 1, at + 1))
        maps.programs?.install(at + 1, at + 1 === length ? load(end, maps) : first)
      }
      return first
    }
  }

  const kinds = { ours, inkev: peer('array'), polycube: peer('hash') }
  const names = ['ours', 'inkev', 'polycube'] as const
  const chains = lengths.map((length) => ({
    length,
    programs: names.map((name) => Array.from({ length: COPIES }, () => kinds[name](length))),
    samples: names.map(() => [] as number[]),
  }))
  for (const { programs } of chains)
    for (const [one] of programs)
      if (one?.run(frame).verdict !== TC_ACT.redirect) throw new Error('a chain does not let packets pass')
  const empty = load(EMPTY)
  const nothing: number[] = []
  // Short ones: some of them are not interrupted.
  const repeat = 20_000
  for (let round = 0; round < COPIES * (quick ? 5 : 50); round++) {
    nothing.push(empty.time(frame, repeat))
    for (const { programs, samples } of chains)
      for (const [index, copies] of programs.entries()) {
        const time = copies[round % COPIES]?.time(frame, repeat)
        if (time !== undefined) samples[index]?.push(time)
      }
  }
  const timeOf = (length: number, index: number): number =>
    lowerQuartile(chains.find((one) => one.length === length)?.samples[index] ?? [])
  const perHop = (length: number, index: number): number =>
    length === 1 ? timeOf(1, index) - lowerQuartile(nothing) : (timeOf(length, index) - timeOf(1, index)) / (length - 1)
  const against = (index: number) =>
    part(
      'ns per added cube',
      cases.map((length) => ({
        case: length,
        ours: perHop(Number(length), 0),
        peer: perHop(Number(length), index),
      })),
    )
  return { ...against(1), polycube: against(2) }
}

const place = struct('place', { number: u32 })
const next = struct('next', { program: u32, port: u32 })
const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer)
