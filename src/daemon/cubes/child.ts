/** Code of others runs in processes of their own, which may nothing that anybody else on this host may not. */
import { spawn } from 'node:child_process'
import { refusal } from '../../base/diagnostic.ts'
import { missingCapabilities } from '../../kernel/capabilities.ts'

/** Whoever owns nothing: `nobody` and its group, on Debian and elsewhere. */
const NOBODY = 65_534

/** Of `spawn`. Empty where this process cannot give up what it may: then it has little itself. */
export const asNobody = (): { readonly uid?: number; readonly gid?: number } =>
  missingCapabilities(['CAP_SETUID', 'CAP_SETGID']).length === 0 ? { uid: NOBODY, gid: NOBODY } : {}

export interface Run {
  readonly code: number | null
  readonly output: string
}

const MOST_OUTPUT = 1 << 20

/** Milliseconds. */
export interface RunOptions {
  readonly folder: string
  /** Where it may write. */
  readonly scratch: string
  readonly time: number
  readonly signal?: AbortSignal | undefined
}

/** Runs Node.js on a script until it ends. A Refusal where that takes too long. */
export function runNode(words: readonly string[], { folder, scratch, time, signal }: RunOptions): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: scratch, TMPDIR: scratch, NO_COLOR: '1', CI: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // With all that it starts itself.
      detached: true,
      ...asNobody(),
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < MOST_OUTPUT) output += text
      })
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    let isLate = false
    const late = setTimeout(() => {
      isLate = true
      end()
    }, time)
    signal?.addEventListener('abort', end, { once: true })
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(late)
      end()
      signal?.removeEventListener('abort', end)
      if (isLate) reject(refusal(`this took longer than ${time / 1000} seconds: node ${words.join(' ')}`))
      else resolve({ code, output })
    })
  })
}
