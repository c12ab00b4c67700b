/** Where in somebody's files something is: in an error's stack, or as people see it. */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Place } from '../base/diagnostic.ts'

/** The innermost call in a file of a folder. */
export function placeInStack(stack: string, folder: string): Place | undefined {
  for (const line of stack.split('\n')) {
    const [, file = '', row = '', column = ''] =
      /(?:file:\/\/)?(\/[^\s():?]+)(?:\?[^\s():]*)?:(\d+):(\d+)/.exec(line) ?? []
    if (!file.startsWith(folder)) continue
    return placeOf(file, Number(row), Number(column))
  }
  return undefined
}

export function placeOf(file: string, line: number, column: number): Place {
  const text = readFileSync(file, 'utf8').split('\n')[line - 1] ?? ''
  return { file: shown(file), line, column, length: 1, text }
}

/** A path as people see it: relative where that is shorter. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}
