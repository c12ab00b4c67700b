import { type Diagnostic, placeAt } from '../../base/diagnostic.ts'
import type { Span } from '../narrow/tree.ts'

/** A module's text: what a span is a part of. */
export interface SourceText {
  readonly file: string
  readonly text: string
}

/** Thrown where a statement cannot be understood; caught around the statement, so that the next one is still read. */
export class Unfit extends Error {
  readonly diagnostic: Diagnostic
  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message)
    this.diagnostic = diagnostic
  }
}

/** Says what is wrong with a span, and what would compile. */
export function unfit(source: SourceText, { start, end }: Span, message: string, remedy?: string): Unfit {
  const place = placeAt(source.file, source.text, start, Math.max(1, end - start))
  return new Unfit({ message, place, remedy })
}

/** Runs `work`; an {@link Unfit} becomes a diagnostic, and the result is undefined. */
export function collecting<T>(diagnostics: Diagnostic[], work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    const { place, message } = error.diagnostic
    const known = diagnostics.some(
      (other) =>
        other.message === message &&
        other.place?.file === place?.file &&
        other.place?.line === place?.line &&
        other.place?.column === place?.column,
    )
    if (!known) diagnostics.push(error.diagnostic)
    return undefined
  }
}
