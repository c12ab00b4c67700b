/** What the process that looks at a cube says of it, in a line of its own. The cube's code runs there: it can say anything. */
import { z } from 'zod'
import { placeShape } from '../../api/problem-shape.ts'
import { NAME } from '../../cube/document.ts'

const Found = z.union([
  z.object({ name: z.string().regex(NAME) }),
  z.object({
    diagnostics: z
      .array(z.object({ message: z.string(), remedy: z.string().optional(), place: placeShape.optional() }))
      .readonly(),
  }),
])
export type Found = z.output<typeof Found>

/** By which the line is known. */
const RESULT = 'tessera-cube: '

export const foundLine = (found: Found): string => `\n${RESULT}${JSON.stringify(found)}\n`

/** Undefined where there is no such line; `found` where nobody understands it. */
export function foundIn(output: string): { readonly line: string; readonly found: Found | undefined } | undefined {
  const line = output.split('\n').find((one) => one.startsWith(RESULT))
  return line === undefined ? undefined : { line, found: parsed(line.slice(RESULT.length)) }
}

function parsed(text: string): Found | undefined {
  try {
    return Found.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
