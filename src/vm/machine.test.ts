import { machineSuite } from '../backend/suite.ts'
import { openVirtualMachine } from './machine.ts'

machineSuite('vm', openVirtualMachine)
