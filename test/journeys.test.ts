/** Packets that are followed through several programs of a graph, on both machines: one packet is one journey. */
import { expect, test } from 'vitest'
import { Held } from '../src/base/held.ts'
import { isLookMap } from '../src/compiler/look.ts'
import { describeSighting } from '../src/daemon/capture.ts'
import { Looking } from '../src/daemon/looking.ts'
import { journeysOf, printJourney } from '../src/daemon/trace.ts'
import type { LookRequest } from '../src/engine/look/sights.ts'
import { builtinCubes, type GraphLab, graphsOnEveryMachine, packet } from '../src/testing/index.ts'

const frame = packet().ethernet().ipv4().udp().payload('hello').bytes()

function lookAt(lab: GraphLab, request: LookRequest): Promise<Looking> {
  const { machine, engine } = lab
  const held = new Held()
  return Looking.open({ machine, engine, catalogue: builtinCubes(), enter: () => held }, lab.name, request)
}

/** The lines about ports of each packet that is seen while something is done. */
async function followed(lab: GraphLab, work: () => void | Promise<void>): Promise<string[][]> {
  const looking = await lookAt(lab, { where: [], trace: true })
  await work()
  const journeys = journeysOf(looking.take(), looking.takeEvents())
  await looking.close()
  return journeys.map((journey) =>
    printJourney(journey, 0n, false)
      .split('\n')
      .filter((line) => /^ {2}\S/.test(line))
      .map((line) => line.trim()),
  )
}

graphsOnEveryMachine('a journey', (open) => {
  test('goes on in the program that another one goes over to', async () => {
    using lab = await open(`
graph: back
instances:
  line: { cube: ./patch, ports: { a: { interface: eth0 }, b: { to: mirror.in } } }
  mirror: { cube: ./steer, config: { to: 0 }, ports: { in: {} } }
`)
    const journeys = await followed(lab, () => expect(lab.send('eth0', frame)).toEqual({ eth0: [frame] }))
    expect(journeys).toEqual([
      ['line:a in', 'line:b out', 'mirror:in in', 'mirror:in out', 'line:b in', 'line:a out', 'left by line:a'],
    ])
  })

  test('is that of all copies', async () => {
    using lab = await open(`
graph: star
instances:
  core: { cube: ./stamp, config: { place: 0, number: 1 }, ports: { here: { interface: eth0 }, a: {}, b: {} } }
  a: { cube: ./patch, ports: { a: { to: core.a }, b: { interface: eth1 } } }
  b: { cube: ./patch, ports: { a: { to: core.b }, b: {} } }
`)
    const [journey = [], ...others] = await followed(lab, () =>
      expect(Object.keys(lab.send('eth0', frame))).toEqual(['eth1']),
    )
    expect(others).toEqual([])
    expect(journey.toSorted()).toEqual(
      [
        'core:here in',
        'core:a out',
        'a:a in',
        'a:b out',
        'core:b out',
        'b:a in',
        'b:a dropped: not_connected',
        journey.at(-1) ?? '',
      ].toSorted(),
    )
    expect(journey.at(-1)?.split(', ').toSorted()).toEqual(['died at b:a of not_connected', 'left by a:b'])
  })

  const OFFICE = `
graph: office
instances:
  switch: { cube: ./clerk, ports: { a: { interface: eth0 }, b: { to: line.a } } }
  line: { cube: ./patch, ports: { a: {}, b: { interface: eth1, through: [seen] } } }
  seen: { cube: ./tap }
`

  test('begins where a control plane sends a packet, too', async () => {
    using lab = await open(OFFICE)
    const journeys = await followed(lab, async () => {
      expect(lab.send('eth0', frame)).toEqual({})
      // Packets are told apart by when they come.
      lab.clock.advance(1_000n)
      expect(await lab.deliver()).toEqual({ eth1: [frame] })
    })
    expect(journeys).toEqual([
      [
        'switch:a in',
        'switch:a left to the control plane: stranger',
        'left to the control plane of switch of stranger',
      ],
      ['switch:b out', 'line:a in', 'line:b out', 'seen:egress in', 'went on behind seen, egress of line:b'],
    ])
  })

  test('is captured at the ports that a control plane sends a packet by, too, and by none when nobody looks', async () => {
    using lab = await open(OFFICE)
    const looking = await lookAt(lab, { where: ['switch.b', 'line.b'] })
    expect(lab.send('eth0', frame)).toEqual({})
    expect(await lab.deliver()).toEqual({ eth1: [frame] })
    expect(looking.take().map(describeSighting)).toEqual(['switch:b out', 'line:b out'])
    await looking.close()
    const { gate } = await lab.engine.control(lab.name)
    const maps = [...gate.entries, ...gate.others.values()].flatMap((program) => Object.keys(program.maps))
    expect(maps.filter(isLookMap)).toEqual([])
  })

  test('ends behind the last transparent cube, and it is said which one, and where that is', async () => {
    using lab = await open(`
graph: veil
instances:
  here: { cube: ./tap }
  there: { cube: ./tap }
  else: { cube: ./tap }
interfaces: { eth0: { through: [here, there] }, eth1: { through: [else] } }
`)
    const ends = async (name: string) =>
      (await followed(lab, () => void lab.send(name, frame))).map((one) => one.at(-1))
    expect(await ends('eth0')).toEqual(['went on behind there, ingress of eth0'])
    expect(await ends('eth1')).toEqual(['went on behind else, ingress of eth1'])
  })
})
