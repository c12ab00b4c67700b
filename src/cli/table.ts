export type Cell = string | number | bigint

/** Columns as wide as they need to be; numbers to the right. Each row has something in each column, for those who hear it or split it. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  indent = '',
  format: (cell: Cell) => string = withThousands,
): string {
  const text = rows.map((row) => row.map((cell) => (cell === '' ? '-' : format(cell))))
  const widths = head.map((title, column) => Math.max(title.length, ...text.map((row) => row[column]?.length ?? 0)))
  const isRight = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] !== 'string'))
  const line = (cells: readonly string[]) =>
    indent +
    cells
      .map((cell, column) => (isRight[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), ...text.map(line)].join('\n')
}

const withThousands = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.toLocaleString('en-US'))

/** Rows of named cells as a table: the first row's names are the head. A number may be a name there, such as a port's. */
export function records(rows: readonly Readonly<Record<string, Cell>>[], indent = ''): string {
  const head = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => head.map((name) => row[name] ?? ''))
  return table(head, cells, indent, String)
}

/** `1.5 MiB` */
export function bytes(count: bigint): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = Number(count)
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
