/**
 * The compiler's main test: random data planes and packets, run by a naive interpreter of the typed tree, by the VM and
 * by the kernel. All must agree, and the kernel must accept every program. `npm run fuzz` tries more of them.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { whyNoKernel } from '../src/kernel/requirements.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { Bench } from './differential/bench.ts'
import { play, tapes } from './differential/tape.ts'
import { judge, loadShared } from './differential/trial.ts'

const reason = whyNoKernel()
const machines = [openVirtualMachine(), ...(reason === undefined ? [openKernelMachine()] : [])]
const title = `the interpreter, the VM ${reason === undefined ? 'and the kernel' : `(the kernel: skipped, ${reason})`}`

describe(title, async () => {
  test.skipIf(reason !== undefined)(`have the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
    expect(machines.map(({ name }) => name)).toEqual(['vm', 'kernel'])
  })

  const modules = await loadShared()
  const benches = machines.map((machine) => new Bench(machine))

  test('agree on 150 data planes', () => {
    const property = fc.property(tapes(), (tape) => {
      const trial = play(tape)
      expect(judge(modules, trial, benches), `npm run fuzz -- --runs 1 --seed ${tape.seed}\n${trial.text}`).toBe(
        undefined,
      )
    })
    fc.assert(property, { numRuns: 150, seed: 1, endOnFailure: true })
  })
})
