/** What programs tell somebody who looks, on every machine and at both hooks. */
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Machine, MachineMap } from '../src/backend/machine.ts'
import { Held } from '../src/base/held.ts'
import type { Node } from '../src/compiler/assembly.ts'
import { assemble, type DataPlaneSource, readDataPlane } from '../src/compiler/compile.ts'
import { LOOK_MAP, type Look, lookRecord, type Point } from '../src/compiler/look.ts'
import { traceEvent } from '../src/compiler/trace.ts'
import { reasonOf, sightOf } from '../src/compiler/wiring.ts'
import { flowFilter } from '../src/filter/flow.ts'
import type { Hook } from '../src/isa/program.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { decodeStruct } from '../src/lang/codec.ts'
import { everyMachine, openVirtualMachine, packet } from '../src/testing/index.ts'

const sources = new Map<string, DataPlaneSource>()
beforeAll(async () => {
  for (const [name, folder] of [
    ['bridge', '../src/cubes/bridge'],
    ['patch', '../src/testing/cubes/patch'],
  ] as const)
    sources.set(name, await readDataPlane(join(import.meta.dirname, folder, 'dataplane.ts')))
})

const INSTANCES = ['bridge', 'patch'] as const

/** A bridge with ports 0 and 1, of which the second leads to a patch, whose other port is an interface. */
const nodes = (): readonly Node[] => [
  {
    source: sources.get('bridge')!,
    instance: 'bridge',
    config: { agingTime: 300 },
    port: { id: 0, config: { learning: true } },
    capacity: 64,
    ways: [
      { port: 0, to: 'interface', ifindex: 1 },
      { port: 1, to: 'node', node: 1 },
    ],
  },
  {
    source: sources.get('patch')!,
    instance: 'patch',
    config: {},
    port: { id: 0, config: {} },
    capacity: 64,
    ways: [
      { port: 0, to: 'nowhere' },
      { port: 1, to: 'interface', ifindex: 1 },
    ],
  },
]

const ALL: readonly Point[] = INSTANCES.map((instance) => ({ instance, sights: ['in', 'out', 'drop', 'punt'] }))
const LOOK: Look = { instances: INSTANCES, points: ALL, snapshot: 262_144, room: 1 << 20 }

interface Seen {
  readonly where: string
  readonly what: string
  readonly packet: Uint8Array
  readonly length: number
  readonly tag: number
}

/** What somebody saw of frames that a program was given, and how many records were lost. */
function look(machine: Machine, hook: Hook, given: Partial<Look>, frames: readonly Uint8Array[]) {
  using held = new Held()
  const program = assemble({ name: 'looked_at', hook, nodes: nodes(), look: { ...LOOK, ...given } })
  const maps: Record<string, MachineMap> = Object.fromEntries(
    Object.entries(program.maps).map(([name, one]) => [name, held.use(machine.createMap('looked', one))]),
  )
  const loaded = held.use(machine.load(program, maps))
  for (const frame of frames) loaded.run(frame)
  const seen = (maps[LOOK_MAP.records]?.consume() ?? []).map((record): Seen => {
    const { instance, port, slot, length, captured, tag } = decodeStruct(lookRecord, record)
    const name = INSTANCES[instance] ?? '?'
    const { cube } = sources.get(name)!
    const reason = reasonOf(cube, slot)
    return {
      where: `${name}:${port}`,
      what: [sightOf(cube, slot), reason].filter(Boolean).join(' '),
      packet: record.subarray(lookRecord.size, lookRecord.size + captured),
      length,
      tag,
    }
  })
  const lost = maps[LOOK_MAP.lost]?.lookup(new Uint8Array(4)) ?? new Uint8Array()
  return { seen, lost: new BigUint64Array(lost.slice().buffer).reduce((sum, one) => sum + one, 0n) }
}

/** What happens to the packets that are traced. */
function trace(machine: Machine, hook: Hook, given: Partial<Look>, frames: readonly Uint8Array[]) {
  using held = new Held()
  const look: Look = { ...LOOK, trace: true, ...given }
  const program = assemble({ name: 'traced', hook, nodes: nodes(), look })
  const maps: Record<string, MachineMap> = Object.fromEntries(
    Object.entries(program.maps).map(([name, one]) => [name, held.use(machine.createMap('looked', one))]),
  )
  const loaded = held.use(machine.load(program, maps))
  for (const frame of frames) loaded.run(frame)
  const sites = new Map((program.sites ?? []).map((site) => [site.id, site]))
  return (maps[LOOK_MAP.events]?.consume() ?? []).map((record) => {
    const { site: number, first } = decodeStruct(traceEvent, record)
    const site = sites.get(number)
    switch (site?.kind) {
      case 'counted':
        return [site.instance, site.sight, site.reason].filter(Boolean).join(' ')
      case 'decision':
        return `${site.text}: ${site.outcome}`
      case 'read':
        return `${site.field} is 0x${first.toString(16)}`
      default:
        return site?.kind === 'verdict' ? site.text : site?.kind
    }
  })
}

const tcp = packet().ethernet({ destination: 'ff:ff:ff:ff:ff:ff' }).ipv4().tcp({ destinationPort: 80 }).payload(2000)
const udp = packet().ethernet({ destination: 'ff:ff:ff:ff:ff:ff' }).ipv4().udp({ destinationPort: 53 }).payload(20)

for (const hook of ['tc', 'xdp'] as const)
  for (const { name, skip } of everyMachine)
    describe.skipIf(skip !== undefined)(`a program that somebody looks at (${name}, ${hook})`, () => {
      const open = (): Machine => (name === 'vm' ? openVirtualMachine() : openKernelMachine())
      // At XDP interfaces are found in a map, and here is none in it.
      const end = hook === 'tc' ? 'patch:1 out' : 'patch:0 drop no_such_port'
      const way = ['bridge:0 in', 'bridge:1 out', 'patch:0 in', end]
      const places = (seen: readonly Seen[]) => seen.map(({ where, what }) => `${where} ${what}`)

      test('tells of each port that a packet comes by, and of the packet', () => {
        using machine = open()
        const { seen, lost } = look(machine, hook, {}, [udp.bytes()])
        expect(places(seen)).toEqual(way)
        for (const one of seen) expect(one).toMatchObject({ packet: udp.bytes(), length: udp.bytes().length, tag: 0 })
        expect(lost).toBe(0n)
      })

      test('tells of what the filter lets through, and only at the points that are asked for', () => {
        using machine = open()
        const filter = { text: 'tcp', program: flowFilter({ protocol: 'tcp', port: 80 }) }
        const points: readonly Point[] = [
          { instance: 'bridge', port: 1, sights: ['in', 'out'] },
          { instance: 'patch', port: 0, sights: ['out'] },
        ]
        const { seen } = look(machine, hook, { filter, points }, [udp.bytes(), tcp.bytes(), udp.bytes()])
        expect(places(seen)).toEqual(['bridge:1 out'])
        expect(seen[0]?.packet).toEqual(tcp.bytes())
      })

      test('tells of the beginning of packets, where no more is asked for', () => {
        using machine = open()
        const points: readonly Point[] = [{ instance: 'bridge', sights: ['in'] }]
        const { seen } = look(machine, hook, { snapshot: 100, points }, [tcp.bytes(), udp.bytes()])
        expect(seen.map(({ packet, length }) => [packet.length, length])).toEqual([
          [100, tcp.bytes().length],
          [udp.bytes().length, udp.bytes().length],
        ])
        expect(seen[0]?.packet).toEqual(tcp.bytes().subarray(0, 100))
      })

      test('tells of all that happens to a packet, where that is asked for', () => {
        using machine = open()
        const filter = { text: 'udp', program: flowFilter({ protocol: 'udp' }) }
        const events = trace(machine, hook, { filter, points: [] }, [tcp.bytes(), udp.bytes()])
        expect(events).toEqual([
          'bridge in',
          'ethernet: true',
          'Ethernet.source is 0x10000000002',
          '(address[0] & 1) === 1: false',
          'isMulticast(ethernet.source): false',
          'Ethernet.source is 0x10000000002',
          '(address[0] | address[1] | address[2] | address[3] | address[4] | address[5]) === 0: false',
          'isZero(ethernet.source): false',
          'Ethernet.source is 0x10000000002',
          // The other packet was of the same station, and was not traced.
          'known: true',
          'an entry of stations.port is 0x0',
          'known.port !== port.id: false',
          expect.stringMatching(/^an entry of stations.seen is /),
          'now() - known.seen > seconds(1): false',
          'Ethernet.destination is 0xffffffffffff',
          '(address[0] & 1) === 1: true',
          'isMulticast(ethernet.destination): true',
          'Ethernet.destination is 0xffffffffffff',
          'address[0] === 0x01: false',
          'group: false',
          'isReserved(ethernet.destination): false',
          'flood()',
          'bridge out',
          'patch in',
          'packet.read(Ethernet): true',
          'forward(port.id === 0 ? 1 : 0)',
          hook === 'tc' ? 'patch out' : 'patch drop no_such_port',
        ])
      })

      test('counts what found no room', () => {
        using machine = open()
        const frames = Array.from({ length: 20 }, () => tcp.bytes())
        const { seen, lost } = look(machine, hook, { room: 1 << 16 }, frames)
        expect(seen.length).toBeGreaterThan(4)
        expect(BigInt(seen.length) + lost).toBe(80n)
      })
    })
