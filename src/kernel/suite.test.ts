import { machineSuite } from '../backend/suite.ts'
import { describeKernel } from './fixtures.ts'
import { openKernelMachine } from './machine.ts'

describeKernel('the suite of both machines', () => machineSuite('kernel', openKernelMachine))
