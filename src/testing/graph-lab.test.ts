import { expect, test } from 'vitest'
import { graphsOnEveryMachine } from './machines.ts'
import { packet } from './packet.ts'

const frame = packet().ethernet().ipv4().udp().payload('hello').bytes()
const TWO = `
graph: lan
instances:
  one: { cube: bridge, ports: { a: { interface: eth0 }, b: { interface: eth1 } } }
  two: { cube: bridge, ports: { a: { interface: eth2 }, b: { interface: eth3 } } }
`

graphsOnEveryMachine('a lab of a graph', (open) => {
  test('has a wire at each interface, and looks into each instance', async () => {
    using lab = await open(TWO)
    expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
    expect(lab.send('eth3', frame)).toEqual({ eth2: [frame] })
    expect(lab.counters('two', 'a').sent).toEqual({ packets: 1n, bytes: BigInt(frame.length) })
    expect(lab.table('one', 'stations').entries()).toHaveLength(1)
    lab.clock.advance(5_000_000_000n)
    expect(await lab.view('two', 'stations')).toMatchObject([{ port: 'b', seen: '5 s ago' }])
    expect(() => lab.counters('two', 'c')).toThrow('there is no port c now')
    expect(() => lab.table('three', 'stations')).toThrow('there is no instance three')
  })

  test('takes another graph, and has wires for what is new in it', async () => {
    using lab = await open(TWO)
    await lab.apply(TWO.replace('eth1 }', 'eth1 }, c: { interface: eth9 }'))
    expect(lab.send('eth0', frame)).toEqual({ eth1: [frame], eth9: [frame] })
  })

  test('refuses what a graph file is refused for', async () => {
    await expect(open(TWO.replace('bridge', 'brigde'))).rejects.toThrow('did you mean "bridge"?')
  })
})
