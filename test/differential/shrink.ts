/** From a trial that somebody complains about to the smallest one found in the time there is. */
import fc from 'fast-check'
import type { Modules } from '../../src/compiler/modules.ts'
import type { Bench } from './bench.ts'
import { play, type Tape, tapes } from './tape.ts'
import { type Complaint, judge, type Trial } from './trial.ts'

export interface Shrunk {
  readonly trial: Trial
  readonly complaint: Complaint
}

/** First with fewer and simpler choices, for half of the time; then with fewer lines. */
export function shrink(
  modules: Modules,
  benches: readonly Bench[],
  tape: Tape,
  complaint: Complaint,
  milliseconds: number,
): Shrunk {
  const concerned = benches.filter(({ machine }) => complaint.by.startsWith(machine.name))
  let least: Shrunk = { trial: play(tape), complaint }
  const isAlike = (trial: Trial): boolean => {
    const next = judge(modules, trial, concerned)
    if (next?.kind !== complaint.kind || next.by !== complaint.by) return false
    // A refusal for another reason is another finding.
    if (next.kind !== 'disagreement' && reasonOf(next) !== reasonOf(complaint)) return false
    least = { trial, complaint: next }
    return true
  }
  const property = fc.property(tapes(), (tape) => !isAlike(play(tape)))
  fc.check(property, { seed: tape.seed, numRuns: 1, examples: [[tape]], interruptAfterTimeLimit: milliseconds / 2 })
  const until = performance.now() + milliseconds / 2
  for (let size = 0; size !== least.trial.text.length && performance.now() < until; ) {
    size = least.trial.text.length
    for (let at = 0; performance.now() < until; at++) {
      const { trial } = least
      const lines = trial.text.split('\n')
      if (at >= lines.length) break
      const without = [lines.toSpliced(at, endOf(lines, at) - at), lines.toSpliced(at, 1)]
      if (without.some((rest) => isAlike({ ...trial, text: rest.join('\n') }))) at--
    }
  }
  return least
}

/** What was said, without places and numbers. */
const reasonOf = ({ message }: Complaint): string =>
  (message.split('\n')[0] ?? '').replace(/^.*?:\d+:\d+: /, '').replaceAll(/\d+/g, '#')

/** Where what begins on a line has ended: after its closing bracket, if it opens one. */
function endOf(lines: readonly string[], start: number): number {
  let open = 0
  for (const [index, line] of lines.entries()) {
    if (index < start) continue
    open += (line.match(/\{/g) ?? []).length - (line.match(/\}/g) ?? []).length
    if (open <= 0) return index + 1
  }
  return lines.length
}
