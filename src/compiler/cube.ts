import type { Table } from '../lang/index.ts'

/** What the compiler needs to know of a cube: its tables and its drop reasons. `cube/` knows more, above this folder. */
export interface Cube {
  readonly name: string
  readonly state: Readonly<Record<string, Table>>
  readonly drops: Readonly<Record<string, string>>
}
