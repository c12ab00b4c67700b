import { execFile } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal, refusal } from '../../base/diagnostic.ts'
import { foundIn } from './found.ts'
import { ROOT } from './staging.ts'

/** Milliseconds. */
const TIME = 60_000
const MOST_OUTPUT = 1 << 20

/**
 * Cubes that an admin names by their folders are imported by a process of their own first, with the daemon's rights: one that ends its
 * process, or does not come to its end, would take the daemon with it.
 */
export class ImportedApart {
  /** What was in each folder when that went well. */
  private readonly known = new Map<string, string>()

  /** A Refusal where it cannot be imported. */
  async check(folder: string): Promise<void> {
    // Whoever reads it says what is missing.
    if (!existsSync(join(folder, 'dataplane.ts'))) return
    const content = contentOf(folder)
    if (this.known.get(folder) === content) return
    const output = await outputOf([join(ROOT, 'bin/check-cube.js'), folder, 'import'])
    const found = foundIn(output)?.found
    if (found === undefined) throw refusal(`the cube in ${folder} cannot be imported\n${output.trim().slice(0, 2000)}`)
    if ('diagnostics' in found) throw new Refusal(found.diagnostics)
    this.known.set(folder, content)
  }
}

/** Its files with their sizes and times. */
const contentOf = (folder: string): string =>
  [...sourcesIn(folder)]
    .map((path) => {
      const { size, mtimeMs } = statSync(path)
      return `${path} ${size} ${mtimeMs}`
    })
    .join('\n')

/** As far as they are the cube's own. */
function* sourcesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    if (entry.isDirectory()) yield* sourcesIn(path)
    else if (path.endsWith('.ts')) yield path
  }
}

/** What Node.js writes as it runs a script, however it ends. */
const outputOf = (words: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const options = { timeout: TIME, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT } as const
    execFile(process.execPath, words, options, (_error, stdout, stderr) => resolve(`${stdout}\n${stderr}`))
  })
