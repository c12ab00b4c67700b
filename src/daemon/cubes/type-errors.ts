/** What `tsc --pretty false` prints → diagnostics. */
import { join, relative, resolve } from 'node:path'
import type { Diagnostic } from '../../base/diagnostic.ts'
import type { Files } from './staging.ts'

const LINE = /^(?<file>[^\s(][^(]*)\((?<line>\d+),(?<column>\d+)\): error (?<code>TS\d+): (?<message>.*)$/

/** Of the cube's own files. Lines that are indented go on with the one before. */
export function typeErrors(output: string, folder: string, files: Files): Diagnostic[] {
  const found: { file: string; line: number; column: number; message: string }[] = []
  for (const text of output.split('\n')) {
    const { file, line = '', column = '', code = '', message = '' } = LINE.exec(text)?.groups ?? {}
    const last = found.at(-1)
    if (file !== undefined)
      found.push({
        file: resolve(folder, file),
        line: Number(line),
        column: Number(column),
        message: `${message} (${code})`,
      })
    else if (text.startsWith('  ') && last !== undefined) last.message += `\n${text}`
  }
  return found.flatMap(({ file, line, column, message }): Diagnostic[] => {
    const path = relative(folder, file)
    const content = files.get(path)
    if (content === undefined || join(folder, path) !== file) return []
    const text = new TextDecoder().decode(content).split('\n')[line - 1] ?? ''
    // tsc says where it begins: most of its mistakes are a name.
    const { length = 1 } = /^[\w$]+/.exec(text.slice(column - 1))?.[0] ?? {}
    return [{ message, place: { file: path, line, column, length, text } }]
  })
}
