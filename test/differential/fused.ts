/** Random graphs of random data planes: as one program, and one data plane after the other, each compiled alone. */
import { resolve } from 'node:path'
import type { Machine, MachineMap, RunResult } from '../../src/backend/machine.ts'
import { toHex } from '../../src/base/bytes.ts'
import type { Assembly, Way } from '../../src/compiler/assembly.ts'
import { assemble, compile, type DataPlaneSource, dataPlaneOf, mapsOf } from '../../src/compiler/compile.ts'
import { RETURNED } from '../../src/compiler/lower/returned-verdicts.ts'
import { type Modules, parseModule } from '../../src/compiler/modules.ts'
import { countsIn, dropReasons, MAP, SLOT } from '../../src/compiler/wiring.ts'
import { TC_ACT, XDP_ACTION } from '../../src/isa/opcodes.ts'
import { type Hook, isBloom, isPerCpu, isRing, isSequence } from '../../src/isa/program.ts'
import { CPUS } from './bench.ts'
import { sample } from './cube.ts'
import type { Choose } from './generate/draft.ts'
import { type Generated, generate } from './generate/program.ts'
import { packetOf } from './packets.ts'

const CAPACITY = 4
const PACKETS = 4
/** No machine has it. */
const NOWHERE_NEAR = 0x7ffffff0

const VERDICTS = {
  tc: { drop: TC_ACT.shot, pass: TC_ACT.ok, redirect: TC_ACT.redirect },
  xdp: { drop: XDP_ACTION.drop, pass: XDP_ACTION.pass, redirect: XDP_ACTION.redirect },
} as const

/** What TC keeps beside a packet is not in what a run gives back. */
const MOVES = /\.(pushVlan|popVlan|truncate|grow|shrink|encapsulate|decapsulate)/

type PlainWay = Extract<Way, { to: 'node' | 'interface' | 'nowhere' }>

interface Member extends Generated {
  readonly source: DataPlaneSource
  readonly ways: readonly PlainWay[]
}

export interface FusedTrial {
  readonly hook: Hook
  readonly members: readonly Member[]
  readonly packets: readonly Uint8Array[]
}

/** Two or three data planes. Ports 1 and 2 of each lead to a later one, out, or nowhere; packets come in by port 0. */
export function fusedTrial(modules: Modules, choose: Choose): FusedTrial {
  const generated = Array.from({ length: 2 + choose(2) }, () => generate(choose))
  const isPlain = !generated.some(({ text }) => MOVES.test(text))
  const hook = isPlain && choose(3) > 0 ? 'tc' : 'xdp'
  const members = generated.map((one, index): Member => {
    const path = resolve(import.meta.dirname, `fused-${index}.ts`)
    const module = parseModule(path, one.text, { default: { cube: sample } })
    const source = dataPlaneOf(new Map([...modules, [path, module]]), path)
    const floods = one.text.includes('flood()')
    const way = (port: number): PlainWay => {
      const node = index + port
      // Copies go to one other data plane at TC, and to none at XDP.
      const canEnter = node < generated.length && !(floods && (hook === 'xdp' || port === 2))
      if (canEnter && choose(4) > 0) return { port, to: 'node', node }
      return choose(4) === 0 ? { port, to: 'nowhere' } : { port, to: 'interface', ifindex: NOWHERE_NEAR + port }
    }
    return { ...one, source, ways: [{ port: 0, to: 'interface', ifindex: NOWHERE_NEAR }, way(1), way(2)] }
  })
  return { hook, members, packets: Array.from({ length: PACKETS }, () => packetOf(choose)) }
}

/** What becomes one program. */
export const assemblyOf = ({ hook, members }: Omit<FusedTrial, 'packets'>): Assembly => ({
  name: 'fused',
  hook,
  clock: 'cell',
  cpus: CPUS,
  nodes: members.map(({ source, config, ways }, index) => ({
    source,
    instance: `c${index}`,
    config,
    port: { id: 0, config: {} },
    capacity: CAPACITY,
    ways,
  })),
})

/** What differs between the two, a line each. */
export function judgeFused({ hook, members, packets }: FusedTrial, machine: Machine, make = assemble): string {
  const described = Object.entries(mapsOf(sample, CAPACITY, hook, CPUS))
  const mapsFor = (): Record<string, MachineMap> =>
    Object.fromEntries(described.map(([name, one]) => [name, machine.createMap(name, one)]))
  const [together, apart] = [members.map(mapsFor), members.map(mapsFor)]
  try {
    const program = make(assemblyOf({ hook, members }))
    const maps = together.flatMap((own, index) =>
      Object.entries(own).map(([name, map]) => [`c${index}/${name}`, map] as const),
    )
    for (const own of together)
      for (const { port } of members[0]?.ways ?? []) own[MAP.exits]?.update(word(port), word(1))
    using fused = machine.load(program, { ...Object.fromEntries(maps), [MAP.clock]: mapOf(together[0], MAP.clock) })
    const alone = members.map(({ source, config }, index) => {
      const wiring = { port: 0, exits: [], capacity: CAPACITY }
      const common = { name: 'alone', config, port: {}, hook, wiring, clock: 'cell', verdicts: 'returned' } as const
      return machine.load(compile(source, { ...common, cpus: CPUS }), apart[index] ?? {})
    })
    const chain = new Chain(hook, members, (index, packet) => alone[index]?.run(packet) ?? missing())
    const lines = packets.flatMap((packet, index) => {
      const [found, expected] = [fused.run(packet), chain.run(packet)]
      const isSame =
        found.verdict === expected.verdict &&
        (found.verdict === VERDICTS[hook].drop || toHex(found.packet) === toHex(expected.packet))
      return isSame ? [] : [`packet ${index}: ${textOf(expected)}, and as one program ${textOf(found)}`]
    })
    for (const one of alone) one[Symbol.dispose]()
    for (const [index] of members.entries()) {
      const counted = countersOf(mapOf(together[index], MAP.counters))
      const expected = chain.counters(index)
      if (counted !== expected) lines.push(`c${index}: ${expected}, and as one program ${counted}`)
      for (const [name, map] of Object.entries(together[index] ?? {})) {
        const { kind } = map.description
        if (name === MAP.counters || name === MAP.clock || !(name in sample.state) || isBloom(kind) || isRing(kind))
          continue
        if (isSequence(kind) || isPerCpu(kind)) continue
        const [a, b] = [contentOf(mapOf(apart[index], name)), contentOf(map)]
        if (a !== b) lines.push(`c${index}/${name}: ${a}, and as one program ${b}`)
      }
    }
    return lines.join('\n')
  } finally {
    for (const map of [...together, ...apart].flatMap((own) => Object.values(own))) map[Symbol.dispose]()
  }
}

/** One data plane after the other, as their verdicts say. */
class Chain {
  private readonly hook: Hook
  private readonly members: readonly Member[]
  private readonly runOne: (index: number, packet: Uint8Array) => RunResult
  private readonly counts = new Map<string, number>()

  constructor(hook: Hook, members: readonly Member[], runOne: (index: number, packet: Uint8Array) => RunResult) {
    this.hook = hook
    this.members = members
    this.runOne = runOne
  }

  run(given: Uint8Array): RunResult {
    const { drop, pass, redirect } = VERDICTS[this.hook]
    let packet = given
    for (let at = 0; ; ) {
      this.count(at, 0, 'received')
      const result = this.runOne(at, packet)
      ;({ packet } = result)
      if (result.verdict === RETURNED.punt) return { verdict: drop, packet }
      if (result.verdict === TC_ACT.ok) return { verdict: pass, packet }
      const way = result.verdict === TC_ACT.shot ? undefined : this.wayOf(at, result.verdict)
      if (way === undefined || way.to === 'nowhere') {
        this.count(at, 0, 'dropped')
        return { verdict: drop, packet }
      }
      this.count(at, way.port, 'sent')
      if (way.to === 'interface') return { verdict: redirect, packet }
      at = way.node
    }
  }

  counters(index: number): string {
    const of = (what: string, port: number): number => this.counts.get(`${index} ${port} ${what}`) ?? 0
    return textOfCounters((port) => [of('received', port), of('sent', port), of('dropped', port)])
  }

  /** Where a packet goes; the copies of a flood are lost, or count as sent. */
  private wayOf(at: number, verdict: number): PlainWay | undefined {
    const ways = this.members[at]?.ways ?? []
    if (verdict !== RETURNED.flood) return ways.find(({ port }) => port === verdict - RETURNED.forward)
    const others = ways.filter(({ port, to }) => port !== 0 && to !== 'nowhere')
    const last = others.find(({ to }) => to === 'node') ?? others.at(-1)
    for (const { port } of others)
      if (port !== last?.port) this.count(at, port, this.hook === 'tc' ? 'dropped' : 'sent')
    return last
  }

  private count(index: number, port: number, what: string): void {
    const key = `${index} ${port} ${what}`
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }
}

const textOfCounters = (of: (port: number) => readonly number[]): string =>
  [0, 1, 2].map((port) => of(port).join(' ')).join(', ')

/** Received, sent and dropped, of each port; punts that found no room are not among the drops. */
function countersOf(map: MachineMap): string {
  const value = map.lookup(word(0)) ?? new Uint8Array()
  const counts = countsIn(value, { cube: sample, capacity: CAPACITY })
  const at = (port: number, slot: number): number => Number(counts(port, slot).packets)
  const drops = Object.keys(dropReasons(sample)).flatMap((name, index) =>
    name === 'queue_full' ? [] : [SLOT.firstDrop + index],
  )
  return textOfCounters((port) => [
    at(port, SLOT.received),
    at(port, SLOT.sent),
    drops.reduce((sum, slot) => sum + at(port, slot), 0),
  ])
}

const contentOf = (map: MachineMap): string =>
  map
    .entries()
    .map(([key, value]) => `${toHex(key)} ${toHex(value)}`)
    .sort()
    .join(', ')

const mapOf = (maps: Readonly<Record<string, MachineMap>> | undefined, name: string): MachineMap =>
  maps?.[name] ?? missing()
const textOf = ({ verdict, packet }: RunResult): string => `${verdict} ${toHex(packet)}`
const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

function missing(): never {
  throw new Error('it is missing')
}
