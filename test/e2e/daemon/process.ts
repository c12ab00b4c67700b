/** A daemon of a test's own, in a network namespace, with places that nobody else has. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { type Client, openClient } from '../../../src/api/client.ts'
import { inNamespace } from '../../../src/kernel/namespace.ts'
import { type Ended, ROOT, run, TESSERA } from '../host.ts'

/** Milliseconds until it has to serve: on a machine that may be busy. */
const PATIENCE = 60_000

const isOver = (child: ChildProcess | undefined): boolean =>
  child === undefined || child.exitCode !== null || child.signalCode !== null

export class DaemonProcess {
  readonly namespace: string
  readonly folder = mkdtempSync(join(tmpdir(), 'tessera-daemon-'))
  readonly socket = join(this.folder, 'tessera.sock')
  readonly client: Client = openClient({ socket: this.socket })
  /** What it says. */
  log = ''
  readonly #instance: string
  #child: ChildProcess | undefined

  /** What the daemon is started by: a command that runs the rest of its words. */
  readonly #starter: readonly string[]

  constructor(namespace: string, starter: readonly string[] = []) {
    this.namespace = namespace
    this.#starter = starter
    // Of the process whose tests have the namespace, too.
    this.#instance = namespace.replace(/^tessera-/, '')
  }

  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, TESSERA_INSTANCE: this.#instance }
  }

  get words(): readonly string[] {
    return ['--socket', this.socket, '--store', join(this.folder, 'store')]
  }

  /** Returns when it serves. */
  async start(): Promise<void> {
    const [command = '', ...words] = [...this.#starter, process.execPath, TESSERA, 'daemon', ...this.words]
    const child = inNamespace(this.namespace, () =>
      spawn(command, words, {
        cwd: ROOT,
        env: this.environment,
        stdio: ['ignore', 'ignore', 'pipe'],
      }),
    )
    this.#child = child
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text
    })
    await this.until('it serves', () => this.client.getHealth())
  }

  /** Returns when it has looked at everything. */
  async ready(): Promise<void> {
    await this.until('it is ready', () => this.client.getReadiness())
  }

  private async until(what: string, ask: () => Promise<unknown>): Promise<void> {
    const deadline = performance.now() + PATIENCE
    for (;;) {
      try {
        await ask()
        return
      } catch (error) {
        if (isOver(this.#child) || performance.now() > deadline)
          throw new Error(`the daemon does not say that ${what}:\n${this.log}`, { cause: error })
        await setTimeout(20)
      }
    }
  }

  /** Returns when it has ended, with its exit code or the signal. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const child = this.#child
    if (child === undefined) return null
    if (!isOver(child)) {
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    }
    this.#child = undefined
    return child.exitCode ?? child.signalCode
  }

  /** Returns when it has ended by itself. */
  async ended(): Promise<void> {
    if (this.#child !== undefined && !isOver(this.#child)) await once(this.#child, 'exit')
  }

  /** `tessera …`, in its namespace and for its instance. */
  tessera(...words: readonly string[]): Ended {
    return inNamespace(this.namespace, () =>
      run('env', `TESSERA_INSTANCE=${this.#instance}`, process.execPath, TESSERA, ...words),
    )
  }

  /** The same, which runs on. */
  spawn(...words: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
    return inNamespace(this.namespace, () =>
      spawn(process.execPath, [TESSERA, ...words], { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] }),
    )
  }

  /** Nothing of it is left, whatever state it is in. */
  async remove(): Promise<void> {
    this.client[Symbol.dispose]()
    await this.end('SIGKILL')
    this.tessera('down', '--socket', this.socket)
    rmSync(this.folder, { recursive: true })
    const left = ['/run', '/sys/fs/bpf']
      .map((at) => join(at, `tessera-${this.#instance}`))
      .filter((path) => existsSync(path))
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`)
  }
}
