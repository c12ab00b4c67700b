import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openKernelMachine } from '../kernel/machine.ts'
import { createNamespace, inNamespace, namespaces } from '../kernel/namespace.ts'
import { everyMachine, onEveryMachine, openLab, packet, through } from './index.ts'
import { isStale, uniqueName } from './wires.ts'

const frame = packet().ethernet().ipv4().udp().payload('hello').bytes()
const TWO = { cube: 'bridge', ports: { a: {}, b: {} } }

onEveryMachine('a lab', (openLab, machine) => {
  test('gives back what came out, by port', async () => {
    using lab = await openLab({ cube: 'bridge', ports: { a: {}, b: {}, 'a-port-with-a-very-long-name': {} } })
    expect(lab.machine.name).toBe(machine)
    expect(lab.send('a', frame)).toEqual({ b: [frame], 'a-port-with-a-very-long-name': [frame] })
    expect(lab.counters('a').received).toEqual({ packets: 1n, bytes: BigInt(frame.length) })
  })

  test('takes the cube from its folder too', async () => {
    using lab = await openLab({ ...TWO, cube: join(import.meta.dirname, '../cubes/bridge') })
    expect(lab.send('b', frame)).toEqual({ a: [frame] })
  })

  test('has one clock for both planes, and it stands still', async () => {
    using lab = await openLab(TWO)
    const before = lab.clock.now()
    lab.send('a', frame)
    expect(await lab.view('stations')).toMatchObject([{ seen: '0 s ago' }])
    lab.clock.advance(5_000_000_000n)
    expect(lab.clock.now()).toBe(before + 5_000_000_000n)
    expect(lab.machine.now()).toBe(lab.clock.now())
    expect(await lab.view('stations')).toMatchObject([{ seen: '5 s ago' }])
    expect(() => lab.clock.advance(-1n)).toThrow('does not go back')
  })

  test('knows no ports, tables and views but those there are', async () => {
    using lab = await openLab(TWO)
    expect(() => lab.send('c', frame)).toThrow('there is no port c now: known: a, b')
    expect(() => lab.counters('c')).toThrow('there is no port c now: known: a, b')
    expect(() => lab.table('routes')).toThrow('bridge has no table routes: known: stations')
    await expect(lab.view('station')).rejects.toThrow('bridge has no view station: did you mean "stations"?')
    await lab.apply({ ports: { a: {} } })
    expect(() => lab.send('b', frame)).toThrow('there is no port b now')
  })

  test('refuses what a graph file is refused for, and leaves nothing', async () => {
    await expect(openLab({ ...TWO, cube: 'brigde' })).rejects.toThrow('did you mean "bridge"?')
    await expect(openLab({ ...TWO, config: { agingTime: 0 } })).rejects.toThrow('agingTime: has to be at least 1')
    using lab = await openLab(TWO)
    await expect(lab.apply({ config: { agingTim: 1 } })).rejects.toThrow('did you mean "agingTime"?')
    expect(lab.send('a', frame)).toEqual({ b: [frame] })
  })

  test('is one of several', async () => {
    using one = await openLab(TWO)
    using other = await openLab(TWO)
    expect(one.send('a', frame)).toEqual({ b: [frame] })
    expect(other.counters('a').received.packets).toBe(0n)
    expect(other.send('b', frame)).toEqual({ a: [frame] })
  })

  test('takes all with it', async () => {
    const lab = await openLab(TWO)
    // On the kernel a lab's machine is in the lab's namespace, and goes with it.
    using outside = machine === 'kernel' ? openKernelMachine() : undefined
    const pins = () => (outside ?? lab.machine).pinned('')
    const [graph = ''] = pins()
      .map((path) => path.split('/')[0] ?? '')
      .filter(isMine)
    expect(graph).not.toBe('')
    lab[Symbol.dispose]()
    expect(pins().filter((path) => path.startsWith(graph))).toEqual([])
  })
})

const isMine = (name: string): boolean => name.includes(`-${process.pid}-`)

describe.skipIf(everyMachine[1]?.skip !== undefined)('what a killed run has left', () => {
  /** No process has this number: it is above the most that Linux gives (kernel/pid.h, PID_MAX_LIMIT). */
  const dead = `tessera-lab-${2 ** 22 + 1}-0`

  test('is told from what is in use', () => {
    expect([dead, uniqueName(), 'tessera-lab-', 'office', `tessera-lab-${process.ppid}-3`].map(isStale)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
  })

  test('is removed by the next lab, which leaves nothing itself', async () => {
    createNamespace(dead)
    using machine = openKernelMachine()
    using map = machine.createMap('m', {
      kind: 'array',
      key: { kind: 'scalar', size: 4, signed: false, align: 4 },
      value: { kind: 'scalar', size: 8, signed: false, align: 8 },
      entries: 1,
    })
    map.pin(`${dead}/lab/maps/m`)
    const lab = await openLab('kernel', TWO)
    expect(machine.pinned(dead)).toEqual([])
    expect(namespaces()).not.toContain(dead)
    expect(namespaces().filter(isMine)).toHaveLength(1)
    lab[Symbol.dispose]()
    expect(namespaces().filter(isMine)).toEqual([])
    expect(existsSync(`/run/tessera/graphs/${dead}.json`)).toBe(false)
  })
})

describe.skipIf(everyMachine[1]?.skip !== undefined)('on the kernel', () => {
  test('an advertisement of a router gives no interface an address, of which its stack would speak', async () => {
    using lab = await openLab('kernel', TWO)
    const [name = ''] = namespaces().filter(isMine)
    const addresses = () => inNamespace(name, () => readFileSync('/proc/net/if_inet6', 'utf8'))
    const before = addresses()
    // RFC 4861 section 4.2, and its option for a prefix, by which hosts make addresses (section 4.6.2).
    const option = new Uint8Array(8 + 32)
    const view = new DataView(option.buffer, 8)
    for (const [at, octet] of [3, 4, 64, 0b1100_0000].entries()) view.setUint8(at, octet)
    for (const at of [4, 8]) view.setUint32(at, 86_400)
    view.setUint16(16, 0xfd00)
    const advertisement = packet()
      .ethernet({ destination: '33:33:00:00:00:01' })
      .ipv6({ source: 'fe80::1', destination: 'ff02::1', hopLimit: 255 })
      .icmpv6({ type: 134, identifier: 0, sequence: 1_800 })
      .payload(option)
      .bytes()
    expect(lab.send('a', advertisement)).toEqual({ b: [advertisement] })
    expect(addresses()).toBe(before)
  })
})

describe('through', () => {
  class Thing {
    readonly name = 'thing'
    #count = 0
    get count(): number {
      return this.#count
    }
    add(by: number): number {
      this.#count += by
      return this.#count
    }
    open(): Thing & Disposable {
      return Object.assign(new Thing(), { [Symbol.dispose]() {} })
    }
  }

  test('every call goes, also those of what it gives out', () => {
    const calls: string[] = []
    const thing = new Thing()
    const same = through(thing, (operation, run) => {
      calls.push(operation)
      return run()
    })
    expect([same.add(2), same.count, same.name, same instanceof Thing]).toEqual([2, 2, 'thing', true])
    expect(thing.count).toBe(2)
    using opened = same.open()
    expect(opened.add(1)).toBe(1)
    expect(calls).toEqual(['add', 'open', 'add'])
  })

  test('a call may not be made at all', () => {
    const thing = new Thing()
    const broken = through(thing, (operation) => {
      throw new Error(`no ${operation}`)
    })
    expect(() => broken.add(1)).toThrow('no add')
    expect(thing.count).toBe(0)
  })
})
