/** The table of source lines that instructions point into. */
import type { SourceLine } from '../../isa/program.ts'
import type { SourceText } from '../check/report.ts'
import type { Position } from '../typed.ts'

/** Each place once. */
export class Lines {
  readonly all: SourceLine[] = []
  /** By text, and by where in it. */
  private readonly known = new Map<SourceText, Map<number, number>>()

  of({ source, span: { start } }: Position): number {
    const places = this.known.get(source) ?? new Map<number, number>()
    this.known.set(source, places)
    const known = places.get(start)
    if (known !== undefined) return known
    const { line, column, text } = indexOf(source).place(start)
    const index = this.all.push({ file: source.file, line, column, text: text.trim() }) - 1
    places.set(start, index)
    return index
  }
}

const indices = new WeakMap<SourceText, LineIndex>()

function indexOf(source: SourceText): LineIndex {
  const index = indices.get(source) ?? new LineIndex(source.text)
  indices.set(source, index)
  return index
}

/** Where the lines of a text start, found once: every instruction asks. */
class LineIndex {
  private readonly lines: readonly string[]
  private readonly starts: number[] = []

  constructor(text: string) {
    this.lines = text.split('\n')
    let at = 0
    for (const line of this.lines) {
      this.starts.push(at)
      at += line.length + 1
    }
  }

  place(offset: number): { line: number; column: number; text: string } {
    let [low, high] = [0, this.starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1, text: this.lines[low] ?? '' }
  }
}
