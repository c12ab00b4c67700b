/**
 * Every Markdown file in `cases/` is a chapter about one thing, every heading of the second level in it a test: a data
 * plane (or the body of one), and under it what the compiler says. Where nothing is under it, it has to compile.
 *
 *     TESSERA_UPDATE_CASES=1 npx vitest run src/compiler/cases.test.ts     writes down what the compiler says now
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal, render } from '../base/diagnostic.ts'
import { CASE, type Chapter, chapters, compileCase } from './cases/read.ts'
import { loadModules, type Modules } from './modules.ts'

const update = process.env.TESSERA_UPDATE_CASES !== undefined

/** What the compiler says about a case: nothing, or every mistake in it. */
function said(modules: Modules, source: string, { hook, shape }: Chapter): string {
  try {
    compileCase(modules, source, hook, shape)
    return ''
  } catch (error) {
    // Anything else is a mistake of the compiler, and no case may expect it.
    if (!(error instanceof Refusal)) throw error
    return error.diagnostics.map((one) => render({ ...one, place: one.place && shift(one.place) })).join('\n\n')
  }
}

/** Places as the reader of a case counts them. */
const shift = <P extends { file: string; line: number }>(place: P): P => ({
  ...place,
  file: 'dataplane.ts',
  line: place.line - 1,
})

for (const chapter of chapters()) {
  const { path, title, text, cases } = chapter
  describe(title, async () => {
    const modules = await loadModules(join(import.meta.dirname, 'cases', 'lan.ts'))
    test('every heading has a data plane', () => expect(cases).toHaveLength([...text.matchAll(/^## /gm)].length))
    if (update) writeFileSync(path, rewritten(modules, chapter))
    else test.each(cases)('$title', ({ source, expected }) => expect(said(modules, source, chapter)).toBe(expected))
  })
}

const rewritten = (modules: Modules, chapter: Chapter): string =>
  chapter.text.replaceAll(CASE, (_all, title: string, prose: string, source: string) => {
    const says = said(modules, source, chapter)
    const answer = says === '' ? '' : `\n\`\`\`text\n${says}\n\`\`\`\n`
    return `## ${title}\n${prose}\`\`\`ts\n${source}\n\`\`\`\n${answer}`
  })
