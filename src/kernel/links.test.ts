import { expect, test } from 'vitest'
import { describeKernel, scratch } from './fixtures.ts'
import { LinkAttachment } from './links.ts'
import { openKernelMachine } from './machine.ts'

const NUMBER = { kind: 'scalar', size: 4, signed: false, align: 4 } as const

describeKernel('links', () => {
  test('a pin of which nothing can be asked is not taken for one of an interface that is gone', () => {
    using machine = openKernelMachine()
    const path = `${scratch('asked')}/s/links/a`
    using map = machine.createMap('asked', { kind: 'array', key: NUMBER, value: NUMBER, entries: 1 })
    map.pin(path)
    const NO_HANDLE = 1_000_000
    expect(() =>
      LinkAttachment.open(
        path,
        NO_HANDLE,
        () => undefined,
        () => {},
      ),
    ).toThrow('cannot ask for the interface')
    expect(machine.pinned(path)).toEqual([path])
    machine.unpin(path)
  })
})
