/** The way of control planes into a graph is an interface, which does not go with its process: who comes after a kill removes it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { GraphDocument } from '../../src/cube/document.ts'
import { scratch } from '../../src/kernel/fixtures.ts'
import { createNamespace, inNamespace, removeNamespace } from '../../src/kernel/namespace.ts'
import { changeLink, createVeth, links } from '../../src/kernel/netlink/link.ts'
import { DaemonProcess } from './daemon/process.ts'
import { ROOT, settled, snapshot, whyNot } from './host.ts'

const NS = scratch('gl')
const sending: GraphDocument = {
  graph: 'town',
  instances: {
    s: { cube: `${ROOT}/src/testing/cubes/clerk`, ports: { a: { interface: 'eth1' }, b: { interface: 'eth2' } } },
  },
}

const reason = whyNot()

describe.skipIf(reason !== undefined)(`a daemon that is killed${reason === undefined ? '' : ` (${reason})`}`, () => {
  let before: string[]
  let daemon: DaemonProcess
  const ends = () => inNamespace(NS, links).filter(({ name }) => name.startsWith('tess-'))
  const gates = () => ends().map(({ name }) => name)
  const indices = () => ends().map(({ index }) => index)

  beforeAll(() => {
    before = snapshot()
    createNamespace(NS)
    inNamespace(NS, () => {
      createVeth({ name: 'eth1' }, { name: 'eth2' })
      for (const end of ['eth1', 'eth2']) changeLink(end, { silent: true, up: true })
    })
    daemon = new DaemonProcess(NS)
  })

  afterAll(async () => {
    await daemon.remove()
    removeNamespace(NS)
    expect(settled(before)).toEqual(before)
  })

  /** With a control plane that sends, as long as it lives. */
  async function killed(): Promise<void> {
    await daemon.start()
    await daemon.ready()
    await daemon.client.putGraph({ graph: 'town', body: sending })
    await vi.waitFor(() => expect(gates()).toHaveLength(2), { timeout: 60_000 })
    await daemon.end('SIGKILL')
    expect(gates()).toHaveLength(2)
  }

  test('leaves nothing of the gate when its graph is deleted without one', async () => {
    await killed()
    expect(daemon.tessera('delete', 'town')).toMatchObject({ code: 0, stderr: '' })
    expect(gates()).toEqual([])
  })

  test('leaves the gate to the next one, which takes it away as it ends', async () => {
    await killed()
    const left = indices()
    await daemon.start()
    await daemon.ready()
    const hasItsOwn = () => indices().length === 2 && !indices().some((index) => left.includes(index))
    await vi.waitFor(() => expect(hasItsOwn()).toBe(true), { timeout: 60_000 })
    expect(await daemon.end('SIGTERM')).toBe(0)
    expect(gates()).toEqual([])
    expect(daemon.tessera('delete', 'town')).toMatchObject({ code: 0, stderr: '' })
  })

  test('leaves it to the next one also where that ends before it has looked at its graph', async () => {
    await killed()
    await daemon.start()
    expect(await daemon.end('SIGTERM')).toBe(0)
    expect(gates()).toEqual([])
    expect(daemon.tessera('delete', 'town')).toMatchObject({ code: 0, stderr: '' })
  })
})
