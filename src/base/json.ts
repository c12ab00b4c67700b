/** JSON that says one thing: what two readers could take for two things is refused. */
import { Refusal } from './diagnostic.ts'

/** Deeper than anything that has a meaning; whoever walks through it needs a stack. */
const DEEPEST = 64

/**
 * A value (RFC 8259) from its text. A Refusal where it is no JSON, has a name twice in an object, is deeper than 64, or has a
 * member `__proto__`, which is none in JavaScript.
 */
export function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Refusal([{ message: `this is no JSON: ${message}` }], { cause: error })
  }
  check(text)
  return value
}

/** An object or a list that is not closed yet. */
interface Open {
  readonly names: Set<string> | undefined
  /** The name or index of what is read in it. */
  at: string | number
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gs

/** Of text that is known to be JSON. */
function check(text: string): void {
  const open: Open[] = []
  let word = ''
  for (const [token] of text.matchAll(TOKEN)) {
    const inner = open.at(-1)
    if (token === '{' || token === '[') {
      if (open.length === DEEPEST) throw wrong(open.slice(0, 8), `nothing is deeper than ${DEEPEST} levels`)
      open.push(token === '{' ? { names: new Set(), at: '' } : { names: undefined, at: 0 })
    } else if (token === '}' || token === ']') open.pop()
    else if (token === ',') {
      if (typeof inner?.at === 'number') inner.at++
    } else if (token === ':') {
      if (inner?.names === undefined) continue
      const name = JSON.parse(word) as string
      inner.at = name
      if (inner.names.has(name)) throw wrong(open, `"${name}" is there twice`)
      if (name === '__proto__') throw wrong(open.slice(0, -1), '"__proto__" is not a name')
      inner.names.add(name)
    } else word = token
  }
}

const wrong = (open: readonly Open[], message: string): Refusal =>
  new Refusal([{ message, path: open.map(({ at }) => at) }])
