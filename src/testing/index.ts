/** What the tests of cubes are written with. */
export * from './dissect.ts'
export * from './lab.ts'
export * from './machines.ts'
export * from './packet.ts'
export { type Call, through } from './through.ts'
export type { MachineName } from './wires.ts'
