/** What is left where the machine refuses or dies at any operation of a change. */
import { describe, expect, test } from 'vitest'
import { bridgeFile, bridgePins } from '../testing/bridge-file.ts'
import { atEveryOperation, engineBench, Injected } from '../testing/engine-bench.ts'
import { through } from '../testing/index.ts'

const SECOND = 1_000_000_000n
const [alice, bob, carol] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c']
const NOTHING = { pins: [], records: [] }

describe('when the machine', () => {
  test.each(['refuses', 'fails late'] as const)(
    '%s at any operation, a new graph leaves nothing behind',
    async (manner) => {
      const tried = await atEveryOperation(
        manner,
        async () => {},
        async (engine) => engine.apply(await bridgeFile()),
        async (it, when) => expect(it.left(), when).toEqual(NOTHING),
      )
      expect(tried).toBeGreaterThan(20)
    },
  )

  test('dies at any operation of a new graph, deleting leaves nothing, and applying makes it whole', async () => {
    for (const then of ['delete', 'apply'] as const) {
      await atEveryOperation(
        'dies',
        async () => {},
        async (engine) => engine.apply(await bridgeFile()),
        async (it, when) => {
          if (then === 'apply') {
            await it.engine.apply(await bridgeFile())
            expect([...it.machine.pinned('')].sort(), when).toEqual(bridgePins('lan', ['a', 'b']))
            expect(it.send('va', alice, bob), when).toBe('vb')
          } else {
            for (const name of it.engine.names()) await it.engine.delete(name)
            expect(it.left(), when).toEqual(NOTHING)
          }
        },
      )
    }
  })

  test('dies at any operation of deleting, deleting again does the rest', async () => {
    await atEveryOperation(
      'dies',
      async ({ engine }) => engine.apply(await bridgeFile()),
      (engine) => engine.delete('lan'),
      async (it, when) => {
        for (const name of it.engine.names()) await it.engine.delete(name)
        expect(it.left(), when).toEqual(NOTHING)
      },
    )
  })

  test('dies at any operation of a change, applying it again makes it whole, and the stations are still known', async () => {
    const change = { ports: { a: 'va', b: 'vd', c: 'vc' }, agingTime: 1000 }
    await atEveryOperation(
      'dies',
      async ({ engine, send, machine }) => {
        await engine.apply(await bridgeFile({ ports: { a: 'va', b: 'vb', c: 'vc' } }))
        send('vc', carol, alice)
        machine.clock.advance(500n * SECOND)
      },
      async (engine) => engine.apply(await bridgeFile(change)),
      async (it, when) => {
        await it.engine.apply(await bridgeFile(change))
        expect([...it.machine.pinned('')].sort(), when).toEqual(bridgePins('lan', ['a', 'b', 'c']))
        expect(it.records.read('lan')?.state, when).toBe('applied')
        // With an ageing time of 300 s both would be flooded.
        expect([it.send('va', alice, carol), it.send('vd', bob, carol)], when).toEqual(['vc', 'vc'])
      },
    )
  })

  test('refuses at any operation of a change, packets meet the graph of before, or of then, whole', async () => {
    let [undone, done] = [0, 0]
    await atEveryOperation(
      'refuses',
      async ({ engine, send, machine }) => {
        await engine.apply(await bridgeFile({ ports: { a: 'va', b: 'vb', c: 'vc' } }))
        send('vc', carol, alice)
        machine.clock.advance(100n * SECOND)
      },
      async (engine) => engine.apply(await bridgeFile({ ports: { a: 'va', b: 'vd', c: 'vc' }, agingTime: 10 })),
      async (it, when, error) => {
        // Where packets have seen the change already, what only tidies up is tried again.
        if (error === undefined) done++
        else undone++
        const [agingTime, bobs] = error === undefined ? [10, 'vd'] : [300, 'vb']
        const { change: _, ...running } = it.records.read('lan') ?? {}
        expect(running, when).toMatchObject({ state: 'applied', graph: { instances: [{ config: { agingTime } }] } })
        expect([...it.machine.pinned('')].sort(), when).toEqual(bridgePins('lan', ['a', 'b', 'c']))
        // With an ageing time of 10 s both are flooded.
        const carols = error === undefined ? ['vc vd', 'va vc'] : ['vc', 'vc']
        expect([it.send('va', alice, carol), it.send(bobs, bob, carol)], when).toEqual(carols)
      },
    )
    expect([undone > 20, done > 3]).toEqual([true, true])
  })
})

test('what was counted is kept when ports need more room, and when a process is killed meanwhile', async () => {
  let killed = 0
  for (let at = 0; ; at++) {
    const it = engineBench()
    await it.engine.apply(await bridgeFile())
    const found = it.records.read('lan')
    if (found === undefined) throw new Error('there is no record')
    // As after many ports that came and went.
    it.records.write({ ...found, numbering: { s: { ids: { a: 0, b: 1 }, next: 64 } } })
    it.send('va', alice, bob)
    let sent = 1n
    const send = () => {
      it.send('va', alice, alice)
      sent++
    }
    let [operations, isDead] = [0, false]
    const machine = through(it.machine, (operation, run) => {
      if (operation.startsWith('Symbol')) return run()
      if (operation === 'settle') send()
      isDead ||= operations++ === at
      if (isDead) throw new Injected(operation)
      return run()
    })
    const wider = await bridgeFile({ ports: { a: 'va', b: 'vb', c: 'vc' } })
    const ended = await it
      .engineOn({ machine })
      .apply(wider)
      .then(
        () => 'done',
        () => 'killed',
      )
    if (ended === 'killed') await it.engine.apply(wider)
    send()
    const [a] = (await it.engine.status('lan')).instances[0]?.ports ?? []
    expect(a?.received.packets, `killed at ${at}`).toBe(sent)
    expect(a?.drops.same_port?.packets, `killed at ${at}`).toBe(sent - 1n)
    expect(a?.sent.packets).toBe(0n)
    if (ended === 'done') break
    killed++
  }
  expect(killed).toBeGreaterThan(20)
})
