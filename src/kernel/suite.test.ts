import { describe, test } from 'vitest'
import { machineSuite } from '../backend/suite.ts'
import { openKernelMachine } from './machine.ts'

const reason =
  process.platform !== 'linux' ? 'this is not Linux' : process.getuid?.() !== 0 ? 'bpf(2) needs root' : undefined

if (reason === undefined) machineSuite('kernel', openKernelMachine)
else describe.skip('kernel', () => test(`skipped: ${reason}`, () => {}))
