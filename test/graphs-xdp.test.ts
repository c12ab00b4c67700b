/** Graphs of several cubes at XDP: what each packet meets, on both machines. */
import { describe, expect, test } from 'vitest'
import { everyMachine, openGraphLab, packet } from '../src/testing/index.ts'

const [alice, bob, carol] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c']
const frame = packet().ethernet({ source: alice, destination: bob }).ipv4().udp().payload('hello').bytes()

for (const { name, skip } of everyMachine)
  describe.skipIf(skip !== undefined)(
    `a graph at XDP (${name}${skip === undefined ? '' : `, skipped: ${skip}`})`,
    () => {
      const open = (graph: string) => openGraphLab(name, { graph }, 'xdp')

      test.each([2, 5, 16])('of %i cubes in a row', async (length) => {
        const cubes = Array.from({ length }, (_, i) => {
          const a = i === 0 ? 'interface: eth0' : ''
          const b = i === length - 1 ? 'interface: eth1' : `to: p${i + 1}.a`
          return `  p${i}: { cube: ./patch, ports: { a: { ${a} }, b: { ${b} } } }`
        })
        using lab = await open(['graph: chain', 'instances:', ...cubes].join('\n'))
        expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
        expect(lab.send('eth1', frame)).toEqual({ eth0: [frame] })
        const one = { packets: 1n, bytes: BigInt(frame.length) }
        for (const port of ['a', 'b'])
          for (let i = 0; i < length; i++)
            expect(lab.counters(`p${i}`, port)).toMatchObject({ received: one, sent: one })
      })

      test('with tags: each cube finds the packet without, and it leaves with', async () => {
        using lab = await open(`
graph: tags
instances:
  one: { cube: ./stamp, config: { place: 0, number: 7 }, ports: { a: { interface: eth0 }, b: { to: two.a } } }
  two: { cube: ./stamp, config: { place: 1, number: 8 }, ports: { a: {}, b: { interface: eth1 } } }
`)
        const tagged = packet().ethernet().vlan({ id: 42 }).ipv4().udp().payload('hello').bytes()
        const stamped = tagged.slice()
        stamped.set([7, 8], 18)
        expect(lab.send('eth0', tagged)).toEqual({ eth1: [stamped] })
      })

      test('of a bridge with another one behind a port, which knows where everybody is', async () => {
        using lab = await open(`
graph: behind
instances:
  core: { cube: bridge, ports: { a: { interface: eth0 }, up: { to: line.a } } }
  line: { cube: ./patch, ports: { a: {}, b: { through: [tap], to: far.up } } }
  far: { cube: bridge, ports: { up: {}, b: { interface: eth1 } } }
  tap: { cube: ./tap }
`)
        const answer = packet().ethernet({ source: bob, destination: alice }).ipv4().udp().bytes()
        expect(lab.send('eth0', frame)).toEqual({ eth1: [frame] })
        expect(lab.send('eth1', answer)).toEqual({ eth0: [answer] })
        const toItself = packet().ethernet({ source: carol, destination: alice }).ipv4().udp().bytes()
        expect(lab.send('eth0', toItself)).toEqual({})
        expect(lab.counters('core', 'a').drops).toMatchObject({ same_port: { packets: 1n } })
        const seen = lab.table('tap', 'seen').entries()
        expect(seen.map(([, value]) => value)).toEqual([{ packets: 1n }, { packets: 1n }])
      })

      test('floods to interfaces through transparent cubes at its entries', async () => {
        using lab = await open(`
graph: lan
instances:
  core: { cube: bridge, ports: { a: { interface: eth0 }, b: { interface: eth1 }, c: { interface: eth2 } } }
  other: { cube: ./patch, ports: { a: { interface: eth3, through: [tap] }, b: { interface: eth4 } } }
  tap: { cube: ./tap }
`)
        expect(lab.send('eth0', frame)).toEqual({ eth1: [frame], eth2: [frame] })
        expect(lab.send('eth3', frame)).toEqual({ eth4: [frame] })
        expect(lab.send('eth4', frame)).toEqual({ eth3: [frame] })
        const seen = lab.table('tap', 'seen').entries()
        expect(seen.map(([, value]) => value)).toEqual([{ packets: 1n }, { packets: 1n }])
      })

      test('with a loop: what goes round is dropped after as many hops as the kernel lets it make', async () => {
        using lab = await open(`
graph: ring
instances:
  one: { cube: ./steer, config: { to: 1 }, ports: { in: { interface: eth0 }, out: { to: two.in }, back: {} } }
  two: { cube: ./steer, config: { to: 1 }, ports: { in: {}, out: { to: one.back } } }
`)
        expect(lab.send('eth0', frame)).toEqual({})
        const dropped = ['one', 'two'].flatMap((instance) =>
          ['in', 'out', 'back'].slice(0, instance === 'one' ? 3 : 2).map((port) => lab.counters(instance, port).drops),
        )
        expect(dropped.filter(({ too_many_hops: one }) => one?.packets === 1n)).toHaveLength(1)
      })

      test('becomes another one, and keeps its state', async () => {
        const graph = (hops: string) => `
graph: grows
instances:
  core: { cube: bridge, ports: { a: { interface: eth0 }, b: { ${hops} } } }
  line: { cube: ./patch, ports: { a: { to: core.b }, b: { interface: eth1 } } }
`
        using lab = await open(graph(''))
        lab.send('eth0', frame)
        await lab.apply(graph('').replace('b: { interface: eth1 }', 'b: { interface: eth2 }'))
        expect(lab.table('core', 'stations').get({ address: alice })).toMatchObject({ port: 0 })
        expect(lab.send('eth0', frame)).toEqual({ eth2: [frame] })
      })

      test('refuses a flood to several cubes', async () => {
        const graph = `
graph: campus
instances:
  core: { cube: bridge, ports: { here: { interface: eth0 }, a: {}, b: {} } }
  a: { cube: ./patch, ports: { a: { to: core.a }, b: { interface: eth1 } } }
  b: { cube: ./patch, ports: { a: { to: core.b }, b: { interface: eth2 } } }
`
        const refused = await open(graph).catch((error: unknown) => error)
        expect(String(refused)).toContain('a flood leads to several places, cubes among them')
        expect(String(refused)).toMatch(/dataplane\.ts:\d+:\d+/)
        expect(String(refused)).toContain('core.here')
      })
    },
  )
