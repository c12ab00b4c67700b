/** All the words a data plane may use. */
export * from './atomic.ts'
export * from './dataplane.ts'
export * from './functions.ts'
export * from './headers.ts'
export * from './maps.ts'
export { wholeLength } from './prefix.ts'
export * from './types.ts'
