/** Code of others runs in processes of their own, which may nothing that anybody else on this host may not. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { refusal } from '../../base/diagnostic.ts'
import { asNobody, endGroup, NOBODYS_RIGHTS, NODE, TESSERA, wayTo } from './nobody.ts'

export interface Run {
  readonly code: number | null
  readonly output: string
}

const MOST_OUTPUT = 1 << 20

/** Of setpriv(1): whoever is killed leaves nobody behind who would never be stopped. */
const WITH_US = '--pdeathsig=KILL'

/** Milliseconds. */
export interface RunOptions {
  readonly folder: string
  /** Where it may write. */
  readonly scratch: string
  readonly time: number
  readonly signal?: AbortSignal | undefined
}

/** Runs Node.js on a script of Tessera's until it ends. A Refusal where that takes too long, or cannot be. */
export function runNode(words: readonly string[], { folder, scratch, time, signal }: RunOptions): Promise<Run> {
  const rights = asNobody().uid === undefined || !existsSync(NOBODYS_RIGHTS[0]) ? [] : [...NOBODYS_RIGHTS, WITH_US]
  const [command = '', ...rest] = [...wayTo([TESSERA, NODE]), ...rights, NODE, ...words]
  const givenUp = () => refusal('this was given up: the daemon ends', 'do it again when the daemon is there')
  if (signal?.aborted) return Promise.reject(givenUp())
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: scratch, TMPDIR: scratch, NO_COLOR: '1', CI: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // With all that it starts itself.
      detached: true,
      ...(rights.length > 0 ? {} : asNobody()),
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (output.length < MOST_OUTPUT) output += text
      })
    const end = () => {
      if (child.pid !== undefined) endGroup(child.pid)
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
      if (signal?.aborted) reject(givenUp())
      else if (isLate) reject(refusal(`this took longer than ${time / 1000} seconds: node ${words.join(' ')}`))
      else resolve({ code, output })
    })
  })
}
