/** What must not reach the parser: it is native code, and when it runs out of stack, so does the process. */

/** Brackets in brackets, of which it takes more than 3,000. */
const MOST_OPEN = 1000
/** Words and operators that nothing ends, for prefixes and chains nest as well. It takes 10,000 of them. */
const MOST_IN_ROW = 5000
/** Less text cannot be too deep. */
const SHORT = 3000

/** Of characters up to 127, which of these they are, counted from 1. */
const KINDS = ['([{', ')]}', ';,', '+-*/%&|^?:<>=.!~', `"'`] as const
const [OPENING, CLOSING, ENDING, OPERATOR, QUOTE] = [1, 2, 3, 4, 5]
const kindOf = new Uint8Array(128)
for (const [index, letters] of KINDS.entries()) for (const one of letters) kindOf[one.charCodeAt(0)] = index + 1

const [SLASH, STAR, ESCAPE, LINE, SPACE, BRACE, LETTERS] = [0x2f, 0x2a, 0x5c, 0x0a, 0x20, 0x7b, 0x41]

/** Where a text is nested deeper than the parser could go, in UTF-16 units. Strings and comments nest nothing. */
export function tooDeepAt(text: string): number | undefined {
  if (text.length < SHORT) return undefined
  let [open, row, last] = [0, 0, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code <= SPACE) {
      // A line goes on behind an operator, and before one.
      if (code === LINE && kindOf[last] !== OPERATOR && kindOf[afterSpace(text, at)] !== OPERATOR) row = 0
      else if (code === SPACE && last >= LETTERS) row = text.startsWith('case', at - 4) ? 0 : row + 1
      continue
    }
    const next = text.charCodeAt(at + 1)
    if (code === SLASH && (next === SLASH || next === STAR)) {
      const end = next === SLASH ? text.indexOf('\n', at) - 1 : text.indexOf('*/', at + 2) + 1
      if (end <= at) return undefined
      at = end
      continue
    }
    last = code
    const kind = kindOf[code]
    if (kind === QUOTE) at = endOfString(text, at, code)
    else if (kind === OPENING) open++
    else if (kind === CLOSING) open--
    else if (kind === OPERATOR) row++
    if (kind === ENDING || code === BRACE) row = 0
    if (open > MOST_OPEN || row > MOST_IN_ROW) return at
  }
  return undefined
}

function endOfString(text: string, from: number, quote: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === ESCAPE) at++
    else if (code === quote || code === LINE) return at
  }
  return text.length
}

function afterSpace(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) if (text.charCodeAt(at) > SPACE) return text.charCodeAt(at)
  return 0
}
