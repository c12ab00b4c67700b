import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ControlPlanes } from '../src/daemon/control-planes.ts'
import { HANGS } from '../src/testing/cubes/clerk/schema.ts'
import { EGRESS, INGRESS, type tap } from '../src/testing/cubes/tap/schema.ts'
import { everyMachine, openGraphLab, packet } from '../src/testing/index.ts'

const graph = `
graph: office
instances:
  switch:
    cube: ./clerk
    ports:
      alice: { interface: eth1 }
      bob: { interface: eth2 }
      carol: { interface: eth3 }
`
const alice = '02:00:00:00:00:01'
const bob = '02:00:00:00:00:02'
const frame = (source: string, destination: string) => packet().ethernet({ source, destination }).ipv4().udp().bytes()

for (const { name, skip } of everyMachine)
  for (const at of ['tc ingress', 'xdp'] as const)
    describe.skipIf(skip !== undefined)(`a control plane (${name}, ${at})`, () => {
      const open = () => openGraphLab(name, { graph }, at)

      test('decides about what was punted, and the data plane about the rest', async () => {
        using lab = await open()
        const [hello, answer, more] = [frame(alice, bob), frame(bob, alice), frame(alice, bob)]
        expect(lab.send('eth1', hello)).toEqual({})
        expect(await lab.deliver()).toEqual({ eth2: [hello], eth3: [hello] })
        expect(lab.send('eth2', answer)).toEqual({})
        expect(await lab.deliver()).toEqual({ eth1: [answer] })
        expect(lab.send('eth1', more)).toEqual({ eth2: [more] })
        expect(await lab.deliver()).toEqual({})
        expect(lab.counters('switch', 'alice')).toMatchObject({
          received: { packets: 2n },
          sent: { packets: 1n },
          punts: { stranger: { packets: 1n } },
        })
      })

      test('sends what has a VLAN tag as it was', async () => {
        using lab = await open()
        const tagged = packet().ethernet({ source: alice, destination: bob }).vlan({ id: 5, priority: 3 }).ipv4().udp()
        expect(lab.send('eth1', tagged.bytes())).toEqual({})
        expect(await lab.deliver()).toEqual({ eth2: [tagged.bytes()], eth3: [tagged.bytes()] })
      })

      test('is shown with what it has learned', async () => {
        using lab = await open()
        lab.send('eth2', frame(bob, alice))
        await lab.deliver()
        expect(await lab.view('switch', 'stations')).toEqual([{ address: bob, port: 'bob' }])
      })
    })

for (const { name, skip } of everyMachine)
  describe.skipIf(skip !== undefined)(`a control plane (${name})`, () => {
    test("sends to the host's own stack, and into network namespaces", async () => {
      using lab = await openGraphLab(name, {
        graph: `
graph: ends
instances:
  switch:
    cube: ./clerk
    ports:
      alice: { interface: eth1 }
      stack: { host: eth5 }
      blue: { interface: eth0, namespace: blue }
`,
      })
      const hello = frame(alice, bob)
      expect(lab.send('eth1', hello)).toEqual({})
      expect(await lab.deliver()).toEqual({ 'host eth5': [hello], 'blue/eth0': [hello] })
      const answer = frame(bob, alice)
      expect(lab.send('blue/eth0', answer)).toEqual({})
      expect(await lab.deliver()).toEqual({ eth1: [answer] })
      const own = frame('02:00:00:00:00:05', bob)
      lab.transmit('eth5', own)
      expect(await lab.deliver()).toMatchObject({ 'blue/eth0': [own] })
      const back = frame(alice, '02:00:00:00:00:05')
      expect(lab.send('eth1', back)).toEqual({ 'host eth5': [back] })
    })
  })

const town = `
graph: town
instances:
  switch:
    cube: ./clerk
    ports:
      alice: { interface: eth1, through: [outer, inner] }
      bob: { to: line.near }
  line:
    cube: ./patch
    ports:
      near: {}
      far: { interface: eth2, through: [far] }
  outer: { cube: ./tap }
  inner: { cube: ./tap }
  far: { cube: ./tap }
`

for (const { name, skip } of everyMachine)
  describe.skipIf(skip !== undefined)(`what a control plane sends (${name})`, () => {
    test('passes all transparent cubes, and other cubes, as what is forwarded does', async () => {
      using lab = await openGraphLab(name, { graph: town })
      const seen = (instance: string) =>
        [INGRESS, EGRESS].map((index) => lab.table<typeof tap.state.seen>(instance, 'seen').get({ index })?.packets)
      const [hello, answer] = [frame(alice, bob), frame(bob, alice)]
      lab.send('eth1', hello)
      expect(['outer', 'inner', 'far'].map(seen)).toEqual([
        [1n, 0n],
        [1n, 0n],
        [0n, 0n],
      ])
      expect(await lab.deliver()).toEqual({ eth2: [hello] })
      lab.send('eth2', answer)
      expect(await lab.deliver()).toEqual({ eth1: [answer] })
      expect(['outer', 'inner', 'far'].map(seen)).toEqual([
        [1n, 1n],
        [1n, 1n],
        [1n, 1n],
      ])
      expect(lab.counters('line', 'near').received.packets).toBe(1n)
    })
  })

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined)(`the queue is as long as the graph says (${name})`, async () => {
    const short = graph.replace('cube: ./clerk', 'cube: ./clerk\n    queue: 4096')
    using lab = await openGraphLab(name, { graph: short })
    for (let times = 0; times < 20; times++) lab.send('eth1', frame(alice, bob))
    // 8 bytes of the ring's own, 16 of the header, two addresses, and room for 256; never all that there are.
    const fit = Math.floor((4096 - 1) / (8 + 16 + 16 + 256))
    const { punts, drops } = lab.counters('switch', 'alice')
    expect([punts.stranger?.packets, drops.queue_full?.packets]).toEqual([BigInt(fit), BigInt(20 - fit)])
    await lab.deliver()
    expect(lab.send('eth1', frame(alice, alice))).not.toEqual({})
  })

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined)(`what a control plane has flooded where nothing else is (${name})`, async () => {
    const patch = (out: string) => `{ cube: ./patch, ports: { up: {}, out: { interface: ${out} } } }`
    using lab = await openGraphLab(name, {
      graph: `
graph: cry
instances:
  crier:
    cube: ./crier
    ports: { mouth: {}, ear: { interface: eth0 }, left: { to: left.up }, right: { to: right.up } }
  left: ${patch('eth1')}
  right: ${patch('eth2')}
`,
    })
    const hello = frame(alice, bob)
    expect(lab.send('eth0', hello)).toEqual({})
    expect(await lab.deliver()).toEqual({ eth0: [hello], eth1: [hello], eth2: [hello] })
  })

const PATIENCE = 3_000
const kernel = everyMachine.find(({ name }) => name === 'kernel')

describe.skipIf(kernel?.skip !== undefined)('control planes that somebody looks after', { timeout: 120_000 }, () => {
  const running = async () => {
    const lab = await openGraphLab('kernel', { graph })
    const lines: string[] = []
    const planes = await lab.control({ patience: PATIENCE, log: (line) => lines.push(line) })
    await expect.poll(() => planes.status().map(({ state }) => state), { timeout: 60_000 }).toEqual(['running'])
    return { lab, planes, lines }
  }

  test('do not fail because whoever looks was busy', async () => {
    const { lab, planes, lines } = await running()
    using _lab = lab
    let asked = 0
    const { postMessage } = Worker.prototype
    const asking = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message) {
      if (asked++ > 0) return postMessage.call(this, message)
      // From then on this thread is busy, for longer than it has patience. Next after immediates are timers.
      setImmediate(() => {
        postMessage.call(this, message)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PATIENCE + 1)
      })
    })
    onTestFinished(() => asking.mockRestore())
    await expect.poll(() => asked).toBeGreaterThan(1)
    expect(planes.status()).toMatchObject([{ state: 'running', restarts: 0 }])
    expect(lines).toEqual([])
  })

  test('wait longer each time that they hang', async () => {
    using lab = await openGraphLab('kernel', { graph })
    const waits: string[] = []
    using _planes = await lab.control({
      patience: 300,
      wait: { first: 10, most: 1_000 },
      log: (line) => waits.push(...(/anew in (.*)/.exec(line)?.slice(1) ?? [])),
    })
    const hangs = frame(HANGS, bob)
    const askedAgain = () => {
      lab.send('eth1', hangs)
      return waits.slice(0, 3)
    }
    await expect.poll(askedAgain, { timeout: 60_000 }).toEqual(['10 ms', '20 ms', '40 ms'])
  })

  test('have no way into a graph that has none of them, also where somebody who was killed has left it', async () => {
    using lab = await openGraphLab('kernel', { graph })
    const { gate } = await lab.engine.control(lab.name)
    lab.machine.createGate(gate.name, 1)
    using planes = new ControlPlanes()
    planes.update(lab.machine, { graph: lab.name, gate, planes: [] })
    expect(lab.machine.openGate(gate.name)).toBeUndefined()
  })

  test('are gone with the graph, and their way into it', async () => {
    const { lab, planes } = await running()
    using _lab = lab
    const { gate } = await lab.engine.control(lab.name)
    const there = () => lab.machine.openGate(gate.name)
    there()?.[Symbol.dispose]()
    expect(there()).toBeDefined()
    planes.stop(lab.name)
    expect(there()).toBeUndefined()
    expect(planes.status()).toEqual([])
  })
})
