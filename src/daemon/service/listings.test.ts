/** Tables in pieces: in the order of keys, each key once, and all keys are read once. */
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MachineMap } from '../../backend/machine.ts'
import { openKernelMachine } from '../../kernel/machine.ts'
import { encodeStruct } from '../../lang/codec.ts'
import { array, type ControlOf, describe as described, hash, ipv4, lpmTrie, u16, u32 } from '../../lang/index.ts'
import { onEveryMachine } from '../../testing/index.ts'
import { openVirtualMachine } from '../../vm/machine.ts'
import { Listings } from './listings.ts'
import { JsonTable } from './tables.ts'

const flows = hash({ key: { from: ipv4, port: u16 }, value: { packets: u32 }, entries: 5_000, writable: true })
const slots = array({ value: { packets: u32 }, entries: 600, writable: true })
const routes = lpmTrie({ key: { to: ipv4 }, value: { via: u32 }, entries: 64, writable: true })

type Flow = ControlOf<typeof flows.key.fields>
const flow = (number: number): Flow => ({ from: `10.0.${number >> 8}.${number & 255}`, port: number })
const keyOf = (number: number): Uint8Array => encodeStruct(flows.key, flow(number))
const value = (packets: number): Uint8Array => encodeStruct(flows.value, { packets })

/** Goes through all pieces; `between` comes after each of them. */
function throughPieces(table: JsonTable, listings: () => Listings, limit: number, between = () => {}): string[] {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const { entries, next } = table.list(limit, cursor, listings(), 'table')
    expect(entries.length).toBeLessThanOrEqual(limit)
    found.push(...entries.map(({ id }) => id))
    cursor = next
    between()
  } while (cursor !== undefined)
  return found
}

/** The same for all pieces. */
const kept = (): (() => Listings) => {
  const listings = new Listings()
  return () => listings
}

const id = (number: number): string => `${flow(number).from},${number}`

afterEach(() => void vi.useRealTimers())

onEveryMachine('a listing', (_, machineName) => {
  const open = () => (machineName === 'vm' ? openVirtualMachine() : openKernelMachine())
  const opened = <T>(run: (map: MachineMap, table: JsonTable) => T): T => {
    using machine = open()
    using map = machine.createMap('flows', described(flows))
    return run(map, new JsonTable('flows', flows, map))
  }

  test('is in the order of keys, and reads all of them once', () =>
    opened((map, table) => {
      for (let number = 0; number < 1_000; number++) map.update(keyOf(number * 3), value(number))
      const all = vi.spyOn(map, 'entries')
      const found = throughPieces(table, kept(), 70)
      expect(found).toEqual(Array.from({ length: 1_000 }, (_, number) => id(number * 3)))
      expect(all).toHaveBeenCalledOnce()
    }))

  test('has what is there all the time once, whatever comes and goes', () => {
    const numbers = fc.uniqueArray(fc.nat({ max: 500 }), { maxLength: 60 })
    fc.assert(
      fc.property(
        numbers,
        numbers,
        numbers,
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        (stay, go, come, limit, forget) =>
          opened((map, table) => {
            for (const number of [...stay, ...go]) map.update(keyOf(number), value(1))
            let piece = 0
            const kept = new Listings()
            const listings = () => (forget ? new Listings() : kept)
            const found = throughPieces(table, listings, limit, () => {
              const [gone, new_] = [go[piece], come[piece]]
              if (gone !== undefined && !stay.includes(gone)) map.delete(keyOf(gone))
              if (new_ !== undefined) map.update(keyOf(new_), value(2))
              piece++
            })
            expect(new Set(found).size).toBe(found.length)
            expect(found).toEqual(expect.arrayContaining(stay.map(id)))
            const order = found.map((one) => Number(one.split(',')[1]))
            expect(order).toEqual([...order].sort((a, b) => a - b))
          }),
      ),
      { numRuns: 25 },
    )
  })

  test('gives values as they are now, and nothing that is gone', () =>
    opened((map, table) => {
      for (let number = 0; number < 4; number++) map.update(keyOf(number), value(number))
      const listings = new Listings()
      const { next } = table.list(2, undefined, listings, 'flows')
      map.delete(keyOf(2))
      map.update(keyOf(3), value(33))
      const { entries, next: none } = table.list(2, next, listings, 'flows')
      expect(entries).toMatchObject([{ id: id(3), value: { packets: 33 } }])
      expect(none).toBeUndefined()
    }))

  test('goes on after a while, with what is there then', () => {
    vi.useFakeTimers()
    opened((map, table) => {
      for (let number = 0; number < 6; number += 2) map.update(keyOf(number), value(number))
      const listings = new Listings()
      const { next } = table.list(1, undefined, listings, 'flows')
      map.update(keyOf(1), value(1))
      const ids = () => table.list(9, next, listings, 'flows').entries.map((one) => one.id)
      expect(ids()).toEqual([id(2), id(4)])
      vi.advanceTimersByTime(60_000)
      expect(ids()).toEqual([id(1), id(2), id(4)])
    })
  })

  test('of an array is by its numbers', () => {
    using machine = open()
    using map = machine.createMap('slots', described(slots))
    const table = new JsonTable('slots', slots, map)
    const found = throughPieces(table, kept(), 250)
    expect(found).toEqual(Array.from({ length: 600 }, (_, index) => `${index}`))
  })

  test('of prefixes is by their addresses, and then by how long they are', () => {
    using machine = open()
    using map = machine.createMap('routes', described(routes))
    const table = new JsonTable('routes', routes, map)
    const prefixes = ['0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/24', '10.1.0.0/16', '11.0.0.0/8', '192.168.0.0/16']
    for (const prefix of [...prefixes].reverse()) table.put(prefix, { via: 1 })
    for (const limit of [1, 2, 5, 6, 7]) expect(throughPieces(table, kept(), limit)).toEqual(prefixes)
  })
})

describe('keys that are kept', () => {
  test('are those of the last few listings', () => {
    using machine = openVirtualMachine()
    using map = machine.createMap('flows', described(flows))
    for (let number = 0; number < 4; number++) map.update(keyOf(number), value(number))
    const all = vi.spyOn(map, 'entries')
    const table = new JsonTable('flows', flows, map)
    const listings = new Listings()
    const first = table.list(2, undefined, listings, 'first')
    for (let other = 0; other < 16; other++) table.list(2, undefined, listings, `other ${other}`)
    expect(all).toHaveBeenCalledTimes(17)
    table.list(2, first.next, listings, 'other 15')
    expect(all).toHaveBeenCalledTimes(17)
    table.list(2, first.next, listings, 'first')
    expect(all).toHaveBeenCalledTimes(18)
  })
})
