import type { Punts, Table } from '../lang/index.ts'

/** What the compiler needs to know of a cube: its shape, tables and drop reasons. `cube/` knows more, above this folder. */
export interface Cube {
  readonly name: string
  /** `standard` unless said otherwise. */
  readonly shape?: 'standard' | 'transparent'
  readonly state: Readonly<Record<string, Table>>
  readonly drops: Readonly<Record<string, string>>
  readonly punts?: Punts
}
