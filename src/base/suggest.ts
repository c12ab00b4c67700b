/** The known word nearest to `word`, if it is near enough to be what was meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  // A third of the letters may be others, and one of them is the same.
  let distance = Math.min(Math.max(1, Math.round(word.length / 3)), word.length - 1) + 1
  for (const candidate of known) {
    const d = edits(word.toLowerCase(), candidate.toLowerCase())
    if (d < distance) [best, distance] = [candidate, d]
  }
  return best
}

/** `did you mean "x"? (known: a, b, x)`, or only the known words. */
export function suggestion(word: string, known: Iterable<string>): string {
  const words = [...known]
  const near = nearest(word, words)
  const list = words.length === 0 ? 'there are none' : `known: ${words.join(', ')}`
  return near === undefined ? list : `did you mean "${near}"? (${list})`
}

/** Optimal string alignment distance: insertions, deletions, substitutions, and swaps of neighbours cost 1 each. */
function edits(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let d = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same)
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, at(i - 2, j - 2) + 1)
      row.push(d)
    }
  }
  return at(a.length, b.length)
}
