/** Interfaces come and go while somebody watches. */
import { describe, expect, test } from 'vitest'
import { bridgeFile, bridgePins } from '../testing/bridge-file.ts'
import { engineBench } from '../testing/engine-bench.ts'

const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']

describe('watching interfaces', () => {
  const turn = () => new Promise((resolve) => setTimeout(resolve, 20))

  test('one that goes is not sent to any more, and one that comes back is attached again', async () => {
    const it = engineBench()
    await it.engine.apply(await bridgeFile())
    it.send('vb', bob, alice)
    const told: string[] = []
    using _watch = it.engine.watch((name, done) =>
      told.push(`${name}: ${done instanceof Error ? done : done.length > 0}`),
    )
    await turn()
    expect(told).toEqual([])
    it.machine.removeInterface('vb')
    await expect.poll(() => told).toEqual(['lan: true'])
    expect(it.send('va', alice, bob)).toBe('')
    const [gone] = (await it.engine.status('lan')).instances
    expect(gone?.ports.map(({ state }) => state)).toEqual(['up', 'detached'])
    expect(gone?.ports[0]?.drops).toMatchObject({ not_connected: { packets: 1n } })
    it.machine.addInterface('vb', { mac: '06:00:00:00:00:09' })
    it.machine.plug('vb', { receive: () => {} })
    await expect.poll(() => told).toEqual(['lan: true', 'lan: true'])
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'up'])
    expect(it.send('vb', bob, alice)).toBe('va')
    expect([...it.machine.pinned('')].sort()).toEqual(bridgePins('lan', ['a', 'b']))
    it.machine.setUp('vc', false)
    await turn()
    expect(told).toHaveLength(2)
  })

  test('one that comes back with a program of somebody else is left alone', async () => {
    const it = engineBench()
    await it.engine.apply(await bridgeFile())
    it.machine.removeInterface('vb')
    it.machine.addInterface('vb', { mac: '06:00:00:00:00:09' })
    it.machine.addForeign('vb', 'tc ingress', 'tcx program 17 "cil_from_netdev"')
    await it.engine.repair('lan')
    expect((await it.engine.status('lan')).instances[0]?.ports.map(({ state }) => state)).toEqual(['up', 'detached'])
  })

  test.each(['tc ingress', 'xdp generic'] as const)(
    'one that somebody else comes to keeps what it has there, at %s',
    async (point) => {
      const it = engineBench()
      const file = await bridgeFile({ ports: { a: 'va', b: 'vb', c: 'vc' } })
      const engine = it.engineOn({ at: point })
      await engine.apply(file)
      it.send('vb', bob, alice)
      it.machine.addForeign('vb', point, 'XDP program 17 "somebody"')
      it.machine.removeInterface('vc')
      await engine.repair('lan')
      await engine.bringUp(file)
      await engine.look('lan')
      const states = async () => (await engine.status('lan')).instances[0]?.ports.map(({ state }) => state)
      expect(await states()).toEqual(['up', 'up', 'detached'])
      await expect(engine.apply(await bridgeFile({ agingTime: 10 }))).rejects.toThrow('a program of somebody else')
      expect(await states()).toEqual(['up', 'up', 'detached'])
      expect([it.send('va', alice, bob), it.send('vb', bob, alice)]).toEqual(['vb', 'va'])
    },
  )

  test('until nobody watches any more', async () => {
    const it = engineBench()
    await it.engine.apply(await bridgeFile())
    const told: string[] = []
    it.engine.watch((name) => told.push(name))[Symbol.dispose]()
    it.machine.removeInterface('vb')
    await turn()
    expect(told).toEqual([])
  })
})
