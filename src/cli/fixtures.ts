/** The command in this process, for tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, vi } from 'vitest'
import { main } from './main.ts'

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** For all tests of a file: `tessera` is what a shell would do with the words, `file` makes one in `folder` and gives its path. */
export function useCommand() {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-cli-'))
  let printed = { stdout: '', stderr: '' }
  beforeEach(() => {
    for (const name of ['stdout', 'stderr'] as const)
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        printed[name] += String(text)
        return true
      })
    vi.spyOn(console, 'log').mockImplementation((text) => {
      printed.stdout += `${text}\n`
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal)
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  return {
    folder,
    async tessera(...words: readonly string[]): Promise<Ended> {
      printed = { stdout: '', stderr: '' }
      const code = await main(words)
      return { code, ...printed }
    },
    file(name: string, text: string): string {
      const path = join(folder, name)
      writeFileSync(path, text)
      return path
    },
  }
}
