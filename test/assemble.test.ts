/** Several data planes in one program: what it does is what they do one after the other. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Machine, MachineMap } from '../src/backend/machine.ts'
import type { Assembly, Node, Way } from '../src/compiler/assembly.ts'
import { assemble, assembleGraphs, readDataPlane } from '../src/compiler/compile.ts'
import { COPIES } from '../src/compiler/lower/copies.ts'
import { countsIn, dropReasons, MAP, SLOT } from '../src/compiler/wiring.ts'
import { TC_ACT, XDP_ACTION } from '../src/isa/opcodes.ts'
import type { Program } from '../src/isa/program.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { EGRESS, INGRESS } from '../src/testing/cubes/tap/schema.ts'
import { everyMachine, openVirtualMachine, packet } from '../src/testing/index.ts'

const [patch, tap, bridge] = await Promise.all(
  ['testing/cubes/patch', 'testing/cubes/tap', 'cubes/bridge'].map((name) =>
    readDataPlane(join(import.meta.dirname, `../src/${name}/dataplane.ts`)),
  ),
)
if (patch === undefined || tap === undefined || bridge === undefined) throw new Error('a cube is missing')

/** A patch that leads from its port 0 by port 1. */
const link = (instance: string, way: Exclude<Way, { to: 'host' }>): Node => ({
  source: patch,
  instance,
  config: {},
  port: { id: 0, config: {} },
  capacity: 2,
  ways: [{ port: 0, to: 'interface', ifindex: 0x7ffffff0 }, way],
})

const chain = (length: number, end: Exclude<Way, { to: 'host' }>): Node[] =>
  Array.from({ length }, (_, index) =>
    link(`p${index}`, index === length - 1 ? end : { port: 1, to: 'node', node: index + 1 }),
  )

const outside = { port: 1, to: 'interface', ifindex: 0x7ffffff1 } as const
const frame = packet().ethernet().ipv4().udp().bytes()

test('what one cube has found out about a packet is known in the next', () => {
  const [graph] = assembleGraphs({ name: 'chain', nodes: chain(3, outside) })
  const bounds = graph?.blocks.filter(({ end }) => end?.op === 'branch' && end.right.op === 'load')
  expect(bounds).toHaveLength(1)
})

for (const { name, skip } of everyMachine)
  describe.skipIf(skip !== undefined)(`a chain of patches (${name})`, () => {
    test.each([
      ['leads out of the last one', outside, { tc: TC_ACT.redirect, xdp: XDP_ACTION.redirect }],
      ['ends where nothing is connected', { port: 1, to: 'nowhere' }, { tc: TC_ACT.shot, xdp: XDP_ACTION.drop }],
      [
        'ends where a tail call finds no program',
        { port: 1, to: 'tail', slot: 0 },
        { tc: TC_ACT.shot, xdp: XDP_ACTION.drop },
      ],
    ] as const)('%s', (_, end, verdicts) => {
      using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
      for (const hook of ['tc', 'xdp'] as const) {
        const program = assemble({ name: 'chain', hook, nodes: chain(3, end), slots: 1 })
        const maps = createMaps(machine, program)
        // An interface that every machine's map takes: the kernel's asks whether it exists.
        for (const port of [0, 1]) maps[`p2/${MAP.exits}`]?.update(word(port), word(1))
        using loaded = machine.load(program, maps)
        expect(loaded.run(frame).verdict).toBe(verdicts[hook])
      }
    })
  })

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined)(`each port counts what came and what went, whatever the CPU (${name})`, () => {
    using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
    for (const hook of ['tc', 'xdp'] as const)
      for (const [cpus, capacity] of [
        [1, 2],
        [machine.cpus, 2],
        [64, 1000],
      ] as const) {
        const program = assemble({
          name: 'chain',
          hook,
          cpus,
          nodes: chain(2, { port: 1, to: 'nowhere' }).map((node) => ({ ...node, capacity })),
        })
        const maps = createMaps(machine, program)
        using loaded = machine.load(program, maps)
        for (let times = 0; times < 3; times++) loaded.run(frame)
        const counts = (instance: string, port: number, slot: number) => {
          const value = maps[`${instance}/${MAP.counters}`]?.lookup(word(0)) ?? new Uint8Array()
          return countsIn(value, { cube: patch.cube, capacity })(port, slot)
        }
        const three = { packets: 3n, bytes: 3n * BigInt(frame.length) }
        const dropped = SLOT.firstDrop + Object.keys(dropReasons(patch.cube)).indexOf('not_connected')
        expect(counts('p0', 0, SLOT.received)).toEqual(three)
        expect(counts('p0', 1, SLOT.sent)).toEqual(three)
        expect(counts('p0', 1, SLOT.received)).toEqual({ packets: 0n, bytes: 0n })
        expect(counts('p1', 0, SLOT.received)).toEqual(three)
        expect(counts('p1', 1, SLOT.sent)).toEqual({ packets: 0n, bytes: 0n })
        expect(counts('p1', 0, dropped)).toEqual(three)
      }
  })

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined)(`a transparent cube has a direction, and packets go on behind it (${name})`, () => {
    using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
    const through = (direction: 'ingress' | 'egress', node: number): Node => ({
      source: tap,
      instance: 'tap',
      config: {},
      direction,
      capacity: 2,
      ways: [{ port: 0, to: 'node', node }],
    })
    const nodes = [
      through('ingress', 1),
      link('p', { port: 1, to: 'node', node: 2 }),
      through('egress', 3),
      link('q', outside),
    ]
    const program = assemble({ name: 'tapped', nodes })
    const maps = createMaps(machine, program)
    using loaded = machine.load(program, maps)
    for (let times = 0; times < 3; times++) expect(loaded.run(frame).verdict).toBe(TC_ACT.redirect)
    const seen = [EGRESS, INGRESS].map((index) => maps['tap/seen']?.lookup(word(index)))
    expect(seen).toEqual([3, 3].map((times) => new Uint8Array(BigUint64Array.of(BigInt(times)).buffer)))
  })

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined)(`what is flooded to an interface goes on to a cube (${name})`, () => {
    using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
    const second: Way = { port: 2, to: 'node', node: 1 }
    const switched = (instance: string, ...ways: Way[]): Node => ({
      source: bridge,
      instance,
      config: { agingTime: 300 },
      port: { id: 0, config: { learning: true } },
      capacity: 4,
      ways: [{ port: 0, to: 'interface', ifindex: 0x7ffffff0 }, ...ways],
    })
    // The second one reads again what the first one has copied.
    const program = assemble({
      name: 'flooding',
      nodes: [switched('first', outside, second), switched('second', outside)],
    })
    const maps = createMaps(machine, program)
    using loaded = machine.load(program, maps)
    const broadcast = packet().ethernet({ source: '02:00:00:00:00:01', destination: 'ff:ff:ff:ff:ff:ff' }).bytes()
    expect(loaded.run(broadcast).verdict).toBe(TC_ACT.redirect)
    const value = maps[`second/${MAP.counters}`]?.lookup(word(0)) ?? new Uint8Array()
    expect(countsIn(value, { cube: bridge.cube, capacity: 4 })(1, SLOT.sent).packets).toBe(1n)
    expect(maps['second/stations']?.entries()).toHaveLength(1)
  })

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined)(`only of what is no copy itself, copies are counted anew (${name})`, () => {
    using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
    const left = (common: Partial<Assembly>, device: number): bigint | undefined => {
      const copy = { ifindex: device, mark: 1, most: 1024 }
      const ways = [1, 2].map((port): Way => ({ port, to: 'tail', slot: port, copy }))
      const [config, port] = [{ agingTime: 300 }, { id: 0, config: { learning: true } }]
      const node = { source: bridge, instance: 'flooding', config, port, capacity: 4, ways }
      const program = assemble({ name: 'flooding', slots: 3, nodes: [node], ...common })
      const maps = createMaps(machine, program)
      maps[COPIES]?.update(word(0), long(10))
      using loaded = machine.load(program, maps)
      loaded.run(packet().ethernet({ source: '02:00:00:00:00:01', destination: 'ff:ff:ff:ff:ff:ff' }).bytes())
      return new DataView(maps[COPIES]?.lookup(word(0))?.buffer ?? new ArrayBuffer(0)).getBigUint64(0, true)
    }
    expect(left({}, NOWHERE)).toBe(1023n)
    expect(left({ isNext: true }, NOWHERE)).toBe(1023n)
    expect(left({ isNext: true }, HERE)).toBe(9n)
  })

/** What packets come by that nobody sends: that is the loopback interface. */
const HERE = 1
const NOWHERE = 0x7ffffff2

const createMaps = (machine: Machine, { maps }: Program): Record<string, MachineMap> =>
  Object.fromEntries(
    Object.entries(maps).map(([name, map]) => [name, machine.createMap(name.split('/').at(-1) ?? name, map)]),
  )

const long = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)
const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
