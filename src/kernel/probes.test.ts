import { release } from 'node:os'
import { expect, test } from 'vitest'
import { describeKernel } from './fixtures.ts'
import { features, probe } from './probes.ts'

describeKernel('probes', () => {
  // "Not supported" by a kernel newer than the version that brought it is a wrong probe, and must not pass for a skip.
  test.each(features)('%s: a clear answer, which agrees with the version of this kernel', (feature) => {
    const answer = probe(feature)
    expect(answer.kind).toMatch(/^(not )?supported$/)
    if (answer.kind !== 'not supported') return
    const number = (version: string) => {
      const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
      return major * 1000 + minor
    }
    expect(number(release())).toBeLessThan(number(answer.since))
  })

  test('a conclusive answer is remembered', () => {
    expect(probe('tcx')).toBe(probe('tcx'))
  })
})
