import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal, refusal } from '../../base/diagnostic.ts'
import { stampOfCube } from '../../engine/plan/sources.ts'
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
    const dataplane = join(folder, 'dataplane.ts')
    if (!existsSync(dataplane)) return
    const content = stampOfCube(dataplane)
    if (this.known.get(folder) === content) return
    const output = await outputOf([join(ROOT, 'bin/check-cube.js'), folder, 'import'])
    const found = foundIn(output)?.found
    if (found === undefined) throw refusal(`the cube in ${folder} cannot be imported\n${output.trim().slice(0, 2000)}`)
    if ('diagnostics' in found) throw new Refusal(found.diagnostics)
    this.known.set(folder, content)
  }
}

/** What Node.js writes as it runs a script, however it ends. */
const outputOf = (words: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const options = { timeout: TIME, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT } as const
    execFile(process.execPath, words, options, (_error, stdout, stderr) => resolve(`${stdout}\n${stderr}`))
  })
