/** What the author of a cube needs. */
export * from './control.ts'
export * from './define.ts'
export { type EntryOf, from, type Migration } from './migration.ts'
