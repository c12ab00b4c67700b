/**
 * The compiler's main test: random data planes and packets, run by a naive interpreter of the typed tree, by the VM and
 * by the kernel. All must agree, and the kernel must accept every program. `npm run fuzz` tries more of them.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { COMPARISONS, type Comparisons } from '../src/compiler/assembly.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { whyNoKernel } from '../src/kernel/requirements.ts'
import * as language from '../src/lang/index.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { Bench } from './differential/bench.ts'
import { type Constructs, count, OPS } from './differential/constructs.ts'
import { following, mulberry, play, tapes } from './differential/tape.ts'
import { judge, loadShared, onWorld, typedOf } from './differential/trial.ts'

const reason = whyNoKernel()
const machines = [openVirtualMachine(), ...(reason === undefined ? [openKernelMachine()] : [])]
const title = `the interpreter, the VM ${reason === undefined ? 'and the kernel' : `(the kernel: skipped, ${reason})`}`

describe(title, async () => {
  test.skipIf(reason !== undefined)(`have the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
    expect(machines.map(({ name }) => name)).toEqual(['vm', 'kernel'])
  })

  const modules = await loadShared()
  const benches = machines.map((machine) => new Bench(machine))
  const samples = samplesOf()

  describe.each(['tc', 'xdp'] as const)('by %s', (hook) => {
    test.each(samples)('agree on $title', ({ body, forms }) => {
      const trial = onWorld({ text: moduleOf(body), config: {} }, mulberry(1), hook)
      for (const comparisons of forms) {
        const able = benches.filter(({ machine }) => comparisons !== 'bounded' || machine.hasBudgets)
        expect(judge(modules, { ...trial, comparisons }, able), comparisons).toBe(undefined)
      }
    })
  })

  test('agree on 100 data planes', () => {
    const property = fc.property(tapes(), (tape) => {
      const trial = play(tape)
      expect(judge(modules, trial, benches), `npm run fuzz -- --runs 1 --seed ${tape.seed}\n${trial.text}`).toBe(
        undefined,
      )
    })
    fc.assert(property, { numRuns: 100, seed: 1, endOnFailure: true })
  })

  test('everything that there is comes up in random data planes', () => {
    const constructs: Constructs = new Map()
    const generated = Object.entries(OPS).flatMap(([op, how]) => (how === 'generated' ? [op] : []))
    const missing = (): string[] => generated.filter((op) => !constructs.has(op))
    for (let seed = 1, tries = 0; missing().length > 0 && tries < 3000; tries++, seed = following(seed))
      count(constructs, typedOf(modules, play({ seed })))
    expect(missing()).toEqual([])
  })
})

/** The programs of found.md, and how they are compiled. */
function samplesOf(): { title: string; body: string; forms: readonly Comparisons[] }[] {
  const text = readFileSync(join(import.meta.dirname, 'differential/found.md'), 'utf8')
  const all = [...text.matchAll(/^## (.*)$[\s\S]*?^```ts(.*)\n([\s\S]*?)^```$/gm)]
  return all.map(([, title = '', only, body = '']) => ({
    title,
    body,
    forms: COMPARISONS.filter((one) => only === '' || only === ` ${one}`),
  }))
}

/** Functions come first in a sample; the rest is the body of the data plane. */
function moduleOf(sample: string): string {
  const functions = /^(function [\s\S]*?^}\n)*/m.exec(sample)?.[0] ?? ''
  const body = sample.slice(functions.length)
  const words = [
    'Ethernet',
    'IPv4',
    ...Object.keys(language).filter((word) => new RegExp(`\\b${word}\\b`).test(sample)),
  ]
  return `import { ${[...new Set(words)].join(', ')} } from '../../src/lang/index.ts'
import { dataplane, Listed, Mixed, sample } from './cube.ts'
${functions}
export default dataplane(sample, (packet, { state, now, drop, forward, flood, pass, punt }) => {
  const ethernet = packet.read(Ethernet)
  const ip = packet.read(IPv4, Ethernet.size)
  if (!ethernet || !ip) return drop('truncated')
${body}
  return pass()
})
`
}
