/** A point in a text that a person wrote. Lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** How many characters the caret underlines. */
  readonly length: number
  /** The whole source line, without its line break. */
  readonly text: string
}

/** What is wrong, where, and what would work. */
export interface Diagnostic {
  readonly message: string
  readonly place?: Place | undefined
  /** Where in the document that was read, by names and indices. */
  readonly path?: readonly (string | number)[] | undefined
  readonly remedy?: string | undefined
}

/** The one error a user of Tessera meets: every diagnostic found, not only the first. */
export class Refusal extends Error {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[], options?: ErrorOptions) {
    super(diagnostics.map(render).join('\n\n'), options)
    this.name = 'Refusal'
    this.diagnostics = diagnostics
  }
}

/** A refusal with a single diagnostic. */
export function refusal(message: string, remedy?: string, place?: Place, cause?: unknown): Refusal {
  return new Refusal([{ message, remedy, place }], cause === undefined ? undefined : { cause })
}

/**
 * `file:line:column: message`, the source line, a caret under the mistake, and what would work:
 *
 *     lan.yaml:7:12: there is no cube "brigde"
 *       7 |     cube: brigde
 *         |           ^^^^^^
 *         did you mean "bridge"?
 */
export function render({ message, place, remedy }: Diagnostic): string {
  const hint = remedy === undefined ? [] : remedy.split('\n').map((line) => `    ${line}`)
  if (place === undefined) return [message, ...hint].join('\n')
  const number = String(place.line)
  const margin = ' '.repeat(number.length)
  const { text, column } = shownOf(place)
  // A tab keeps its width under the caret when the padding repeats it.
  const padding = text.slice(0, column - 1).replace(/[^\t]/g, ' ')
  const underlined = Math.min(place.length, text.length - column + 1)
  return [
    `${place.file}:${place.line}:${place.column}: ${message}`,
    `  ${number} | ${text}`,
    `  ${margin} | ${padding}${'^'.repeat(Math.max(1, underlined))}`,
    ...hint,
  ].join('\n')
}

/** Of a line, in characters. What a program wrote may have one line alone. */
const WIDEST = 300
const BEFORE = 100

/** What is shown of a line, and the column of the mistake in it: no more than a few lines of a terminal, and nothing that it obeys. */
function shownOf({ text, column }: Place): { readonly text: string; readonly column: number } {
  const from = text.length > WIDEST ? Math.max(0, column - 1 - BEFORE) : 0
  const part = text.slice(from, from + WIDEST).replace(/[^\t\P{Cc}]/gu, '\u00b7')
  const before = from > 0 ? '\u2026' : ''
  const after = from + WIDEST < text.length ? '\u2026' : ''
  return { text: `${before}${part}${after}`, column: column - from + before.length }
}

/** The place that starts `offset` characters into `text`. */
export function placeAt(file: string, text: string, offset: number, length: number): Place {
  const before = text.slice(0, offset)
  const start = before.lastIndexOf('\n') + 1
  const end = text.indexOf('\n', offset)
  return {
    file,
    line: before.split('\n').length,
    column: offset - start + 1,
    length,
    text: text.slice(start, end === -1 ? undefined : end).replace(/\r$/, ''),
  }
}
