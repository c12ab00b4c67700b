/** Packets that are followed through several programs of a graph, on both machines: one packet is one journey. */
import { expect, test } from 'vitest'
import { Held } from '../src/base/held.ts'
import { Looking } from '../src/daemon/looking.ts'
import { journeysOf, printJourney } from '../src/daemon/trace.ts'
import { builtinCubes, type GraphLab, graphsOnEveryMachine, packet } from '../src/testing/index.ts'

const frame = packet().ethernet().ipv4().udp().payload('hello').bytes()

/** The lines about ports of each packet that is seen while something is done. */
async function followed(lab: GraphLab, work: () => void): Promise<string[][]> {
  const { machine, engine } = lab
  const held = new Held()
  const host = { machine, engine, catalogue: builtinCubes(), enter: () => held, [Symbol.dispose]() {} }
  const looking = await Looking.open(host, lab.name, { where: [], trace: true })
  work()
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
