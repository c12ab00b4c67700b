/** What compiles loads: every data plane of `src/compiler/cases/` that is not refused, on both machines. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Machine, MachineMap } from '../src/backend/machine.ts'
import { lan } from '../src/compiler/cases/lan.ts'
import { chapters, compileCase } from '../src/compiler/cases/read.ts'
import { mapsOf } from '../src/compiler/compile.ts'
import { loadModules } from '../src/compiler/modules.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { whyNoKernel } from '../src/kernel/requirements.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'

const reason = whyNoKernel()
const accepted = chapters().flatMap(({ cases, shape }) =>
  cases.filter(({ expected }) => expected === '').map((one) => ({ ...one, shape })),
)

const modules = await loadModules(join(import.meta.dirname, '../src/compiler/cases/lan.ts'))

const machines = [
  { name: 'vm', open: (): Machine => openVirtualMachine(), skip: undefined },
  { name: reason === undefined ? 'kernel' : `kernel (skipped: ${reason})`, open: openKernelMachine, skip: reason },
]

for (const { name, open, skip } of machines)
  describe.skipIf(skip !== undefined)(`the ${name} loads`, () => {
    let machine: Machine
    let maps: Record<string, MachineMap>

    beforeAll(() => {
      machine = open()
      const described = Object.entries(mapsOf(lan, 4, 'xdp'))
      maps = Object.fromEntries(described.map(([map, description]) => [map, machine.createMap(map, description)]))
    })
    afterAll(() => machine[Symbol.dispose]())

    describe.each(['tc', 'xdp'] as const)('by %s', (hook) => {
      test.each(accepted)('$title', ({ source, shape }) => {
        // The verifier's refusal would be the failure.
        machine.load(compileCase(modules, source, hook, shape), maps)[Symbol.dispose]()
      })
    })
  })
