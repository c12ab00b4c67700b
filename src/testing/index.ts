/** What the tests of cubes are written with. */
export { builtinCubes } from '../daemon/host.ts'
export { openVirtualMachine, type VirtualMachine } from '../vm/machine.ts'
export * from './dissect.ts'
export * from './lab.ts'
export * from './machines.ts'
export * from './packet.ts'
export { type Call, through } from './through.ts'
export type { MachineName } from './wires.ts'
