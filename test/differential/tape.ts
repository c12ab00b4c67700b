/**
 * All choices that a program is made of. They come from a small random number generator, which takes a tenth of the time
 * that `fc.gen()` does; and fast-check shrinks them by leaving some out, or making them smaller: 0 is the simplest.
 */
import fc from 'fast-check'
import type { Comparisons } from '../../src/compiler/assembly.ts'
import type { Choose } from './generate/draft.ts'
import { type Trial, trialOf } from './trial.ts'

export interface Tape {
  readonly seed: number
  /** What is chosen instead of what the seed says; then 0. */
  readonly choices?: readonly number[]
  /** With as many long loops as there can be. */
  readonly stress?: boolean
  /** How all are compiled; chosen where there is none. */
  readonly comparisons?: Comparisons | undefined
}

/** The trial on a tape. What its program has chosen is appended to `taken`. */
export function play({ seed, choices, stress, comparisons }: Tape, taken: number[] = []): Trial {
  const random = mulberry(seed)
  const program: Choose = (below) => {
    const choice = choices === undefined ? random(below) : Math.min(choices[taken.length] ?? 0, below - 1)
    taken.push(choice)
    return choice
  }
  const trial = trialOf(program, mulberry(~seed), stress)
  return comparisons === undefined ? trial : { ...trial, comparisons }
}

/** The seed of the program after the one of this seed: all are on one circle. */
export const following = (seed: number): number => (Math.imul(seed, 1664525) + 1013904223) >>> 0

/** Mulberry32, by Tommy Ettinger; in the public domain. */
export function mulberry(seed: number): Choose {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Where shrinking has got to: choices from `at` on are left out `size` at a time; at size 0, made smaller. */
interface Progress {
  readonly size: number
  readonly at: number
}

class Tapes extends fc.Arbitrary<Tape> {
  override generate(random: fc.Random): fc.Value<Tape> {
    return new fc.Value({ seed: random.nextInt() >>> 0 }, undefined)
  }

  override canShrinkWithoutContext(_value: unknown): _value is Tape {
    return true
  }

  override shrink(tape: Tape, progress: unknown): fc.Stream<fc.Value<Tape>> {
    return new fc.Stream(simpler(tape, progress as Progress | undefined))
  }
}

function* simpler(tape: Tape, progress: Progress | undefined): IterableIterator<fc.Value<Tape>> {
  const taken: number[] = []
  play(tape, taken)
  const start = progress ?? { size: taken.length, at: 0 }
  let { at } = start
  for (let { size } = start; size > 0; size >>= 1) {
    for (; at < taken.length; at += size)
      yield new fc.Value({ ...tape, choices: taken.toSpliced(at, size) }, { size, at } satisfies Progress)
    at = 0
  }
  for (; at < taken.length; at++) {
    const choice = taken[at] ?? 0
    for (const smaller of new Set([0, choice >> 1, choice - 1]))
      if (smaller >= 0 && smaller < choice)
        yield new fc.Value({ ...tape, choices: taken.with(at, smaller) }, { size: 0, at } satisfies Progress)
  }
}

export const tapes = (): fc.Arbitrary<Tape> => new Tapes()
