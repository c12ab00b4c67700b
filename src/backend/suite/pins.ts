import { expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import { assemble, verdict } from '../assemble.ts'
import type { Machine } from '../machine.ts'
import { key, mapOf, value } from './layouts.ts'

export function pinSuite(open: () => Machine): void {
  /** A folder of its own, emptied afterwards: pins outlive a test on some machines. */
  function inFolder(run: (machine: Machine, folder: string) => void): void {
    using machine = open()
    const folder = `suite-${Math.random().toString(36).slice(2)}`
    try {
      run(machine, folder)
    } finally {
      for (const path of machine.pinned(folder)) machine.unpin(path)
    }
    expect(machine.pinned(folder)).toEqual([])
  }

  test('a pinned map lives on without its handle, and is opened again', () => {
    inFolder((machine, folder) => {
      const map = machine.createMap('stations', mapOf('hash', 4))
      map.update(key(1), value(10n))
      map.pin(`${folder}/maps/stations`)
      map[Symbol.dispose]()
      using again = machine.openMap(`${folder}/maps/stations`, mapOf('hash', 4))
      expect(again?.lookup(key(1))).toEqual(value(10n))
      expect(again?.description).toEqual(mapOf('hash', 4))
      using second = machine.openMap(`${folder}/maps/stations`, mapOf('hash', 4))
      second?.update(key(2), value(20n))
      expect(again?.lookup(key(2))).toEqual(value(20n))
    })
  })

  test.each([
    ['kind', mapOf('lru_hash', 4)],
    ['number of entries', mapOf('hash', 5)],
    ['key', { ...mapOf('hash', 4), key: mapOf('hash', 4).value }],
    ['value', { ...mapOf('hash', 4), value: mapOf('hash', 4).key }],
  ])('a map of another %s is not the pinned one', (_, description) => {
    inFolder((machine, folder) => {
      using map = machine.createMap('stations', mapOf('hash', 4))
      map.pin(`${folder}/stations`)
      expect(machine.openMap(`${folder}/stations`, description)).toBeUndefined()
    })
  })

  test('nothing is pinned where nothing was', () => {
    inFolder((machine, folder) => {
      expect(machine.openMap(`${folder}/stations`, mapOf('hash', 4))).toBeUndefined()
      expect(machine.openAttachment(`${folder}/eth0`)).toBeUndefined()
      expect(machine.pinned(folder)).toEqual([])
    })
  })

  test('a map in the place of an attachment is refused, and a folder is neither', () => {
    inFolder((machine, folder) => {
      using map = machine.createMap('stations', mapOf('hash', 4))
      map.pin(`${folder}/maps/stations`)
      expect(() => machine.openAttachment(`${folder}/maps/stations`)).toThrow(Refusal)
      expect(machine.openAttachment(`${folder}/maps`)).toBeUndefined()
      expect(machine.openMap(`${folder}/maps`, mapOf('hash', 4))).toBeUndefined()
    })
  })

  test('two things cannot have one path', () => {
    inFolder((machine, folder) => {
      using map = machine.createMap('stations', mapOf('hash', 4))
      using other = machine.createMap('others', mapOf('hash', 4))
      map.pin(`${folder}/stations`)
      expect(() => other.pin(`${folder}/stations`)).toThrow(Refusal)
    })
  })

  test('pins are listed deepest first, and unpinning forgets one of them', () => {
    inFolder((machine, folder) => {
      using map = machine.createMap('stations', mapOf('hash', 4))
      for (const path of ['a', 'b/maps/deep', 'b/shallow']) map.pin(`${folder}/${path}`)
      expect(machine.pinned(folder)).toEqual(['b/maps/deep', 'b/shallow', 'a'].map((path) => `${folder}/${path}`))
      expect(machine.pinned(`${folder}/b`)).toEqual(['b/maps/deep', 'b/shallow'].map((path) => `${folder}/${path}`))
      expect(machine.pinFolders()).toContain(folder.split('/')[0])
      machine.unpin(`${folder}/b/maps/deep`)
      expect(machine.pinned(folder)).toEqual(['b/shallow', 'a'].map((path) => `${folder}/${path}`))
      map.update(key(1), value(1n))
      expect(map.lookup(key(1))).toEqual(value(1n))
    })
  })

  test('a pin moves, in place of another one', () => {
    inFolder((machine, folder) => {
      using map = machine.createMap('stations', mapOf('hash', 4))
      using next = machine.createMap('stations', mapOf('hash', 8))
      map.pin(`${folder}/maps/stations`)
      next.pin(`${folder}/next/maps/stations`)
      machine.movePin(`${folder}/next/maps/stations`, `${folder}/maps/stations`)
      expect(machine.pinned(folder)).toEqual([`${folder}/maps/stations`])
      using found = machine.openMap(`${folder}/maps/stations`, mapOf('hash', 8))
      expect(found).toBeDefined()
      machine.movePin(`${folder}/maps/stations`, `${folder}/moved`)
      expect(machine.pinned(folder)).toEqual([`${folder}/moved`])
      expect(() => machine.movePin(`${folder}/nothing`, `${folder}/moved`)).toThrow(Refusal)
    })
  })

  test('a pinned program lives on without its handle, and is opened again', () => {
    inFolder((machine, folder) => {
      const program = machine.load(assemble('five', 'tc', [verdict(5)]), {})
      program.pin(`${folder}/programs/five`)
      program[Symbol.dispose]()
      using again = machine.openProgram(`${folder}/programs/five`)
      expect(again?.program).toMatchObject({ name: 'five', hook: 'tc' })
      expect(again?.run(new Uint8Array(64)).verdict).toBe(5)
      using map = machine.createMap('stations', mapOf('hash', 4))
      map.pin(`${folder}/stations`)
      expect(machine.openProgram(`${folder}/stations`)).toBeUndefined()
      expect(machine.openProgram(`${folder}/nothing`)).toBeUndefined()
      machine.forget(`${folder}/programs/five`)
      expect(machine.pinned(folder)).toEqual([`${folder}/stations`])
      machine.settle()
    })
  })

  test('unpinning what is not there does nothing', () => {
    inFolder((machine, folder) => machine.unpin(`${folder}/nothing`))
  })

  test.each(['', '../up', 'a//b', 'with.dot'])('"%s" is no path', (path) => {
    using machine = open()
    using map = machine.createMap('stations', mapOf('hash', 4))
    expect(() => map.pin(path)).toThrow(Refusal)
  })
}
