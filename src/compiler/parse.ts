import { parseSync } from 'oxc-parser'
import { type Diagnostic, placeAt, refusal } from '../base/diagnostic.ts'
import { tooDeepAt } from './nesting.ts'

/** The only file that knows the outside parser. What it gives is ESTree with TypeScript's additions. */
export type {
  ArrowFunctionExpression,
  BindingPattern,
  Expression,
  Function as FunctionNode,
  ObjectExpression,
  ParamPattern,
  Program as ModuleNode,
  Statement,
  TSEnumDeclaration as Enum,
  TSSignature,
  TSType,
  VariableDeclaration,
} from 'oxc-parser'

import type { Program } from 'oxc-parser'

/**
 * Text → syntax tree, and what the parser finds wrong with it. Offsets are in UTF-16 units, as in JavaScript strings. A Refusal where
 * it is too deep for the parser.
 */
export function parse(file: string, text: string): { tree: Program; errors: Diagnostic[] } {
  const deep = tooDeepAt(text)
  if (deep !== undefined)
    throw refusal(
      'this is nested more than 200 deep',
      'give parts of it a name with const, or move them into a function',
      placeAt(file, text, deep, 1),
    )
  const { program, errors } = parseSync(file, text, { lang: 'ts', sourceType: 'module' })
  return {
    tree: program,
    errors: errors.map(({ message, labels, helpMessage }) => {
      const { start = 0, end = 1 } = labels[0] ?? {}
      return { message, place: placeAt(file, text, start, Math.max(1, end - start)), remedy: helpMessage ?? undefined }
    }),
  }
}
