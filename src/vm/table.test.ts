import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { Table } from './table.ts'

const key = (n: number): Uint8Array => Uint8Array.of(n & 0xff, (n * 7) & 0xff, n >> 8)

test('agrees with a Map, whatever is added, removed and found', () => {
  const step = fc.tuple(fc.constantFrom('add', 'remove', 'find'), fc.nat(60))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new Table(3, 40, false)
      const model = new Map<string, number>()
      for (const [what, n] of steps) {
        const name = toHex(key(n))
        const slot = table.find(key(n), 0)
        expect(slot).toBe(model.get(name) ?? -1)
        if (what === 'add' && slot === -1 && !table.full) model.set(name, table.add(key(n), 0))
        if (what === 'remove' && slot !== -1) {
          table.remove(slot)
          model.delete(name)
        }
        expect(table.size).toBe(model.size)
      }
      expect([...table.slots()].map((slot) => toHex(table.key(slot))).sort()).toEqual([...model.keys()].sort())
    }),
  )
})

test('gives up the least recently used, through every growth', () => {
  const step = fc.tuple(fc.constantFrom('add', 'touch'), fc.nat(200))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const table = new Table(3, 50, true)
      // A Map keeps the order of insertion: first is oldest.
      const model = new Map<string, number>()
      for (const [what, n] of steps) {
        const name = toHex(key(n))
        const slot = table.find(key(n), 0)
        if (slot !== -1) {
          if (what === 'touch') {
            table.touch(slot)
            model.delete(name)
            model.set(name, slot)
          }
          continue
        }
        if (table.full) {
          const [oldest = '', its] = [...model][0] ?? []
          expect(table.oldest()).toBe(its)
          table.remove(table.oldest())
          model.delete(oldest)
        }
        model.set(name, table.add(key(n), 0))
      }
      expect(table.size).toBe(model.size)
      if (model.size > 0) expect(table.oldest()).toBe([...model.values()][0])
    }),
  )
})
