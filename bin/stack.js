import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, join, relative } from 'node:path'

/** Lines of a stack in files of a bundle, as they are in the sources. For what nobody expected: it takes its time. */
export const inSources = (stack) =>
  stack.replace(/file:\/\/(\/[^\s():]+\.js):(\d+):(\d+)/g, (line, file, row, column) => {
    if (!existsSync(`${file}.map`)) return line
    const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')))
    const { originalSource, originalLine, originalColumn } = map.findEntry(Number(row) - 1, Number(column) - 1)
    if (originalSource === undefined) return line
    return `${relative('', join(dirname(file), originalSource))}:${originalLine + 1}:${originalColumn + 1}`
  })
