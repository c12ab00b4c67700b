/** Entries of prefix tables: an exact one is found among those that contain it, or are in it. */
import { expect, test, vi } from 'vitest'
import { openKernelMachine } from '../../kernel/machine.ts'
import { describe, ipv4, lpmTrie, u32 } from '../../lang/index.ts'
import { onEveryMachine } from '../../testing/index.ts'
import { openVirtualMachine } from '../../vm/machine.ts'
import { JsonTable } from './tables.ts'

const routes = lpmTrie({ key: { to: ipv4 }, value: { via: u32 }, entries: 8, writable: true })

onEveryMachine('a table of prefixes', (_, machineName) => {
  test('has those that were put into it, and no others', () => {
    using machine = machineName === 'vm' ? openVirtualMachine() : openKernelMachine()
    using map = machine.createMap('routes', describe(routes))
    const walks = vi.spyOn(map, 'entries')
    const table = new JsonTable('routes', routes, map)
    const put = (prefix: string, via: number) => table.put(prefix, { via }).isNew
    expect(put('10.0.0.0/8', 1)).toBe(true)
    expect(put('10.1.0.0/16', 2)).toBe(true)
    expect(put('10.1.0.0/16', 3)).toBe(false)
    expect(put('0.0.0.0/0', 4)).toBe(true)
    expect(put('10.1.2.3/32', 5)).toBe(true)
    walks.mockClear()
    for (const [prefix, via] of [
      ['0.0.0.0/0', 4],
      ['10.0.0.0/8', 1],
      ['10.1.0.0/16', 3],
      ['10.1.2.3/32', 5],
    ] as const)
      expect(table.get(prefix)).toMatchObject({ id: prefix, value: { via } })
    // Each has another one around it, and none is there.
    const absent = (...prefixes: readonly string[]) => {
      for (const prefix of prefixes) expect(() => table.get(prefix), prefix).toThrow(`routes has no entry ${prefix}`)
    }
    absent('0.0.0.0/1', '10.0.0.0/9', '10.1.0.0/17', '10.1.2.2/31')
    expect(walks).not.toHaveBeenCalled()
    // Of these lengths there are others.
    absent('11.0.0.0/8', '10.2.0.0/16', '10.1.2.2/32')
    // What leads where the one around it leads, too.
    expect(put('10.2.0.0/16', 1)).toBe(true)
    expect(put('10.2.0.0/16', 1)).toBe(false)
    expect(table.delete('10.2.0.0/16')).toMatchObject({ value: { via: 1 } })
    expect(() => table.get('10.2.0.0/16')).toThrow('no entry')
  })
})
