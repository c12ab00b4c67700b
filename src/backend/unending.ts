import { type Place, Refusal } from '../base/diagnostic.ts'

/** The kernel's verifier came to no end with a program. One that is compiled otherwise may do: `comparisons` in compiler/assembly.ts. */
export class Unending extends Refusal {
  constructor(name: string, place: Place | undefined) {
    super([
      {
        message: `the kernel gives up on "${name}": its verifier follows every combination of branches, and there are too many`,
        remedy: 'let a function compute what the loop needs, shorten it, or have fewer branches in it',
        place,
      },
    ])
  }
}
