/** What compiles loads: every data plane of `src/compiler/cases/` that is not refused, on both machines. */
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { lan } from '../src/compiler/cases/lan.ts'
import { chapters, compileCase } from '../src/compiler/cases/read.ts'
import { mapsOf } from '../src/compiler/compile.ts'
import { loadModules } from '../src/compiler/modules.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'

const isRoot = process.getuid?.() === 0
const accepted = chapters().flatMap(({ cases }) => cases.filter(({ expected }) => expected === ''))

describe.each([
  { name: 'vm', open: () => openVirtualMachine() },
  ...(isRoot ? [{ name: 'kernel', open: () => openKernelMachine() }] : []),
])(`the $name loads${isRoot ? '' : ' (the kernel: skipped, not root)'}`, async ({ open }) => {
  const modules = await loadModules(join(import.meta.dirname, '../src/compiler/cases/lan.ts'))
  const machine = open()
  const maps = Object.fromEntries(
    Object.entries(mapsOf(lan, 4)).map(([name, description]) => [name, machine.createMap(name, description)]),
  )

  test.each(accepted)('$title', ({ source }) => {
    // The verifier's refusal would be the failure.
    machine.load(compileCase(modules, source), maps)[Symbol.dispose]()
  })
})
