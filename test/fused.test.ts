/** Data planes in one program do what they do one after the other. */
import { describe, expect, test } from 'vitest'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { everyMachine, openVirtualMachine } from '../src/testing/index.ts'
import { fusedTrial, judgeFused } from './differential/fused.ts'
import { mulberry } from './differential/tape.ts'
import { loadShared } from './differential/trial.ts'

const modules = await loadShared()
const TRIALS = 12

for (const { name, skip } of everyMachine)
  describe.skipIf(skip !== undefined)(
    `random graphs (${name}${skip === undefined ? '' : `, skipped: ${skip}`})`,
    () => {
      test.each(Array.from({ length: TRIALS }, (_, seed) => seed))('of seed %i', (seed) => {
        using machine = name === 'vm' ? openVirtualMachine() : openKernelMachine()
        const trial = fusedTrial(modules, mulberry(seed))
        expect(judgeFused(trial, machine), trial.members.map(({ text }) => text).join('\n')).toBe('')
      })
    },
  )
