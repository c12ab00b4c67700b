import { expect, test } from 'vitest'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { everyMachine } from '../src/testing/machines.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { expectedOf, far, LONG } from './far.ts'

test('no jump is too far, and each instruction has its line', () => {
  expect(far.instructions.length).toBeGreaterThan(2 * LONG)
  expect(far.instructions.every(({ offset, line }) => Math.abs(offset) < 0x8000 && line !== undefined)).toBe(true)
})

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined)(
    `they lead where they should (${name}${skip === undefined ? '' : `, ${skip}`})`,
    () => {
      using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
      using loaded = machine.load(far, {})
      for (const length of [60, 61, 62]) expect(loaded.run(new Uint8Array(length)).verdict).toBe(expectedOf(length))
    },
  )
