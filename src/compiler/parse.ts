import { parseSync } from 'oxc-parser'
import { type Diagnostic, placeAt } from '../base/diagnostic.ts'

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

/** Text → syntax tree, and what the parser finds wrong with it. Offsets are in UTF-16 units, as in JavaScript strings. */
export function parse(file: string, text: string): { tree: Program; errors: Diagnostic[] } {
  const { program, errors } = parseSync(file, text, { lang: 'ts', sourceType: 'module' })
  return {
    tree: program,
    errors: errors.map(({ message, labels, helpMessage }) => {
      const { start = 0, end = 1 } = labels[0] ?? {}
      return { message, place: placeAt(file, text, start, Math.max(1, end - start)), remedy: helpMessage ?? undefined }
    }),
  }
}
