import { type Diagnostic, Refusal } from '../base/diagnostic.ts'

/** A program that is too much for the kernel. Where it has several data planes, it can be cut between them. */
export class Excess extends Refusal {
  readonly of: 'instructions' | 'stack'

  constructor(of: Excess['of'], diagnostic: Diagnostic) {
    super([diagnostic])
    this.of = of
  }
}
