/**
 * Plain documents, which most graph files are: mappings of words, numbers and quoted text, by lines or in brackets on one line. They are
 * read ten times as fast as all of YAML is. What could be anything else is not plain: then the library for YAML says what it is, and
 * where.
 */

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain }

type Mapping = Record<string, Plain>

/** What a text says that is a mapping, to the letter as YAML 1.2 has it. Undefined where it is not plain. */
export const readPlain = (text: string): Plain | undefined => new PlainReader(text).document()

/** More is an error in a graph file, which somebody else explains. */
const DEEPEST = 12

const EMPTY = / *(?:#[ -~]*)?\n/y
/** What it is set to is on the same line, or in lines that are further to the right. */
const NAME_IN_LINES = /( *)([A-Za-z][\w./-]{0,99}):(?: +|(?=\n))/y
const NAME_IN_BRACKETS = / *([A-Za-z][\w./-]{0,99}): +/y
const QUOTED = /"([ !#-[\]-~]*)"|'([ -&(-~]*)'/y
const WORD = /[\w./][\w./@+-]*/y
const END_OF_LINE = / *\n/y
/** Of an element: another one follows, or the end of them. */
const SEPARATOR = / *([,}\]])/y
const CLOSED = / *[}\]]/y

const NUMBER = /^(?:0|[1-9]\d{0,14})$/
/** No number, whatever notation it is in. */
const TEXT = /^(?:[A-Za-z/]|\.\.?\/|\d+\.\d+\.\d+\.\d)/
/** Names that mean something else, and those that other versions of YAML take for something. */
const TAKEN = /^(?:null|true|false)$/i

class PlainReader {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text.endsWith('\n') ? text : `${text}\n`
  }

  document(): Plain | undefined {
    const open: { readonly column: number; readonly mapping: Mapping }[] = []
    /** Sets what the last name is set to, if that is in the lines below. */
    let last: { readonly mapping: Mapping; readonly name: string } | undefined
    while (this.at < this.text.length) {
      if (this.match(EMPTY)) continue
      const [, { length: column } = '', name] = this.match(NAME_IN_LINES) ?? []
      if (name === undefined || TAKEN.test(name)) return undefined
      let top = open.at(-1)
      if (top === undefined ? column === 0 : last !== undefined && column > top.column) {
        top = { column, mapping: {} }
        open.push(top)
        if (open.length > DEEPEST) return undefined
        if (last !== undefined) last.mapping[last.name] = top.mapping
      }
      while (top !== undefined && top.column > column) {
        open.pop()
        top = open.at(-1)
      }
      if (top?.column !== column || Object.hasOwn(top.mapping, name)) return undefined
      const { mapping } = top
      const isBelow = this.match(END_OF_LINE) !== undefined
      const value = isBelow ? null : this.value(open.length)
      if (value === undefined || (!isBelow && !this.match(END_OF_LINE))) return undefined
      mapping[name] = value
      last = isBelow ? { mapping, name } : undefined
    }
    return open[0]?.mapping
  }

  private value(depth: number): Plain | undefined {
    if (depth > DEEPEST) return undefined
    switch (this.text[this.at]) {
      case '{':
        return this.mapping(depth)
      case '[':
        return this.list(depth)
      case '"':
      case "'": {
        const [, double, single] = this.match(QUOTED) ?? []
        return double ?? single
      }
      default:
        return wordOf(this.match(WORD)?.[0] ?? '')
    }
  }

  private mapping(depth: number): Plain | undefined {
    const mapping: Mapping = {}
    const isRead = this.elements('}', () => {
      const name = this.match(NAME_IN_BRACKETS)?.[1]
      if (name === undefined || TAKEN.test(name) || Object.hasOwn(mapping, name)) return false
      const value = this.value(depth + 1)
      if (value !== undefined) mapping[name] = value
      return value !== undefined
    })
    return isRead ? mapping : undefined
  }

  private list(depth: number): Plain | undefined {
    const list: Plain[] = []
    const isRead = this.elements(']', () => {
      while (this.text[this.at] === ' ') this.at++
      const value = this.value(depth + 1)
      if (value !== undefined) list.push(value)
      return value !== undefined
    })
    return isRead ? list : undefined
  }

  /** Between brackets, up to the one that closes them. False where that is not plain. */
  private elements(end: string, read: () => boolean): boolean {
    this.at++
    const closed = this.match(CLOSED)
    if (closed !== undefined) return closed[0].endsWith(end)
    for (;;) {
      if (!read()) return false
      const next = this.match(SEPARATOR)?.[1]
      if (next !== ',') return next === end
    }
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text) ?? undefined
    if (found !== undefined) this.at = pattern.lastIndex
    return found
  }
}

function wordOf(word: string): Plain | undefined {
  if (NUMBER.test(word)) return Number(word)
  if (word === 'true' || word === 'false') return word === 'true'
  return TEXT.test(word) && !TAKEN.test(word) ? word : undefined
}
