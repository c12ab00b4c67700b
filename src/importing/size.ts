import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import { shown } from './stack.ts'

/** Bytes. What is parsed takes more than a hundred times as much memory. */
const MOST = 1 << 20

/** A Refusal of a module that is longer than any that somebody writes. One that is not there is left to whoever reads it. */
export function mustBeShort(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > MOST)
    throw refusal(
      `${shown(path)} has ${size} bytes; ${MOST} are the most of a module`,
      'what is data belongs into a table; what is code can be several modules',
    )
}

/** The names of other files that a text imports. Of what is none, in a comment say, there is no file. */
const RELATIVE = /\b(?:from|import)\s*\(?\s*(['"])(\.[^'"\n]+)\1/g

/** The same of all files that importing a module would read, but for those of packages. */
export function mustAllBeShort(path: string): void {
  const waiting = [path]
  const seen = new Set(waiting)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    mustBeShort(next)
    if (!statSync(next, { throwIfNoEntry: false })?.isFile()) continue
    for (const [, , name = ''] of readFileSync(next, 'utf8').matchAll(RELATIVE)) {
      const file = resolve(dirname(next), name)
      if (seen.has(file)) continue
      seen.add(file)
      waiting.push(file)
    }
  }
}
