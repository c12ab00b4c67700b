/**
 * The compiler's main test: random data planes and packets, run by a naive interpreter of the typed tree, by the VM and
 * by the kernel. All must agree, and the kernel must accept every program. More of them, and a smaller counterexample:
 *
 *     TESSERA_FUZZ_RUNS=10000 TESSERA_FUZZ_SEED=7 TESSERA_FUZZ_SHRINK=1 npx vitest run test/differential.test.ts
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { Bench } from './differential/bench.ts'
import { loadShared, outcomes, trialOf } from './differential/trial.ts'

const numRuns = Number(process.env.TESSERA_FUZZ_RUNS ?? 150)
const seed = Number(process.env.TESSERA_FUZZ_SEED ?? 1)
const endOnFailure = process.env.TESSERA_FUZZ_SHRINK === undefined

const isRoot = process.getuid?.() === 0
const machines = [openVirtualMachine(), ...(isRoot ? [openKernelMachine()] : [])]
const title = `the interpreter, the VM ${isRoot ? 'and the kernel' : '(the kernel: skipped, not root)'}`

describe(title, async () => {
  const modules = await loadShared()
  const benches = machines.map((machine) => new Bench(machine))

  test(`agree on ${numRuns} data planes`, { timeout: 60_000 + numRuns * 1000 }, () => {
    const property = fc.property(fc.gen(), (next) => {
      const trial = trialOf((below) => next(fc.nat, below - 1))
      const { expected, found } = outcomes(modules, trial, benches)
      for (const [index, outcome] of found.entries())
        expect(outcome, `${benches[index]?.machine.name} on\n${trial.text}`).toEqual(expected)
    })
    fc.assert(property, { numRuns, seed, endOnFailure })
  })
})
