import { describe } from 'vitest'
import type { Machine } from './machine.ts'
import { instructionSuite } from './suite/instructions.ts'

/** What every machine must do: one suite, in the words of {@link Machine} and of RFC 9669. */
export function machineSuite(name: string, open: () => Machine): void {
  describe(name, () => {
    describe('instructions', () => instructionSuite(open))
  })
}
