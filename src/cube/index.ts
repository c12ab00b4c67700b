/** What the author of a cube needs. */
export * from './control.ts'
export * from './define.ts'
