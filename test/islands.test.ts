import { expect, test } from 'vitest'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { everyMachine } from '../src/testing/machines.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { expectedOf, farProgram, KINDS, MAPS } from './far.ts'

test.each(KINDS)('no jump is too far, and each instruction has its line: %s', (kind) => {
  const { instructions } = farProgram(kind)
  expect(instructions.length).toBeGreaterThan(15_000)
  expect(instructions.every(({ offset, line }) => Math.abs(offset) < 0x8000 && line !== undefined)).toBe(true)
})

for (const { name, skip } of everyMachine)
  test.skipIf(skip !== undefined).each(KINDS)(
    `they lead where they should, and go that far: %s (${name}${skip === undefined ? '' : `, ${skip}`})`,
    (kind) => {
      using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
      using map = machine.createMap('map', MAPS.map)
      const program = farProgram(kind)
      using loaded = machine.load(program, Object.keys(program.maps).length === 0 ? {} : { map })
      for (const length of [60, 61, 62])
        expect(loaded.run(new Uint8Array(length)).verdict).toBe(expectedOf(kind, length))
    },
  )
