/** Rows of things, as a table or as data. */
import { colourOf, isColourful, paint } from './colour.ts'
import { type Output, printData } from './output.ts'
import { type Cell, table } from './table.ts'

export interface Column<T> {
  readonly head: string
  readonly cell: (row: T) => Cell
  /** In wide tables only. */
  readonly wide?: true
}

export interface Rows {
  readonly data: readonly object[]
  /** What is said where there is nothing. */
  readonly none: string
  /** What is said beside a table. */
  readonly note?: string | undefined
  table(wide: boolean): { readonly heads: readonly string[]; readonly cells: readonly (readonly Cell[])[] }
}

export const rowsOf = <T extends object>(data: readonly T[], none: string, columns: readonly Column<T>[]): Rows => ({
  data,
  none,
  table(wide) {
    const shown = columns.filter((column) => wide || column.wide !== true)
    const cells = data.map((row) => shown.map(({ cell }) => cell(row)))
    return { heads: shown.map(({ head }) => head.toUpperCase()), cells }
  },
})

export async function printRows(rows: Rows, output: Output): Promise<void> {
  if (output.as !== 'table' && output.as !== 'wide') return printData(rows.data, output)
  if (rows.note !== undefined) process.stderr.write(`${rows.note}\n`)
  const text = rowsText(rows, output.as === 'wide')
  if (text === undefined) process.stderr.write(`${rows.none}\n`)
  else process.stdout.write(`${text}\n`)
}

/** For this terminal, if standard output is one; undefined where there is nothing. */
export function rowsText(rows: Rows, wide: boolean): string | undefined {
  if (rows.data.length === 0) return undefined
  const { heads, cells } = rows.table(wide)
  const { stdout } = process
  const text = table(heads, fitted(heads, cells, stdout.isTTY && !wide ? stdout.columns : undefined))
  return isColourful(stdout) ? coloured(text) : text
}
/** Nothing is cut but on a terminal that is too narrow: there the longest texts end in `…`. */
function fitted(heads: readonly string[], rows: readonly (readonly Cell[])[], width = 0): readonly (readonly Cell[])[] {
  if (width <= 0) return rows
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => String(row[at] ?? '').length)))
  const total = () => widths.reduce((sum, one) => sum + one, 2 * (widths.length - 1))
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= Math.max(8, heads[widest]?.length ?? 0)) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)
  return rows.map((row) => row.map((cell, at) => (typeof cell === 'string' ? cut(cell, widths[at] ?? 0) : cell)))
}

/** Heads are bold; words that say how something does have their colour. */
function coloured(text: string): string {
  const [head = '', ...lines] = text.split('\n')
  const words = lines.map((line) =>
    line.replace(/(?<=^| {2})[a-z]+(?= {2}|$)/g, (word) => {
      const colour = colourOf(word)
      return colour === undefined ? word : paint(word, colour)
    }),
  )
  return [paint(head, 'bold'), ...words].join('\n')
}
