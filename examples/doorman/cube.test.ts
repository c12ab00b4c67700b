import { graphsOnEveryMachine, onEveryMachine, packet } from 'tessera/testing'
import { expect, test } from 'vitest'
import type { doorman } from './schema.ts'

const alice = '02:00:00:00:00:01'
const bob = '02:00:00:00:00:02'
const hello = packet().ethernet({ source: alice, destination: bob }).ipv4().udp().bytes()

onEveryMachine('doorman', (openLab) => {
  const open = () => openLab<typeof doorman>({ cube: import.meta.dirname, ports: { left: {}, right: {} } })

  test('leaves a stranger to its control plane', async () => {
    using lab = await open()
    expect(lab.send('left', hello)).toEqual({})
    expect(lab.punts()).toMatchObject([{ reason: 'stranger', metadata: { source: alice }, packet: hello }])
  })

  test('forwards to guests, and tells who they are', async () => {
    using lab = await open()
    const [left, right] = [0, 1]
    lab.table('guests').set({ address: alice }, { port: left, since: lab.clock.now() })
    lab.table('guests').set({ address: bob }, { port: right, since: lab.clock.now() })
    expect(lab.send('left', hello)).toEqual({ right: [hello] })
    lab.clock.advance(5_000_000_000n)
    expect(await lab.view('guests')).toContainEqual({ address: alice, port: 'left', seconds: 5n })
  })
})

graphsOnEveryMachine('doorman, with its control plane', (open) => {
  const graph = `
graph: hall
instances:
  door:
    cube: ${import.meta.dirname}
    config: { stay: 10 }
    ports: { left: { interface: eth0 }, right: { interface: eth1 } }
`

  test('lets a stranger in, and sees guests out', async () => {
    using lab = await open(graph)
    const guests = lab.table<typeof doorman.state.guests>('door', 'guests')
    lab.send('eth0', hello)
    expect(await lab.deliver()).toEqual({ eth1: [hello] })
    expect(guests.get({ address: alice })).toMatchObject({ port: 0 })
    lab.clock.advance(11_000_000_000n)
    expect(guests.entries()).toEqual([])
  })
})
