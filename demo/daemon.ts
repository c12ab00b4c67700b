/** The daemon of the demo: the one that runs on this host, or one of its own. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Client, openClient, Unreachable } from '../src/api/client.ts'
import { refusal } from '../src/base/diagnostic.ts'
import { SOCKET } from '../src/daemon/run/places.ts'
import { RUN_FOLDER } from '../src/kernel/places.ts'

/** What a daemon of the demo keeps, and what it says. */
const FOLDER = join(RUN_FOLDER, 'demo')
const LOG = join(FOLDER, 'daemon.log')
const COMMAND = join(import.meta.dirname, '../bin/tessera.js')

/** Milliseconds in which a daemon answers. */
const PATIENCE = 20_000

/** Undefined where none runs. */
export async function findDaemon(): Promise<Client | undefined> {
  const client = openClient({ socket: SOCKET })
  try {
    await client.getHealth()
    return client
  } catch (error) {
    client[Symbol.dispose]()
    if (error instanceof Unreachable) return undefined
    throw error
  }
}

/** Goes on when this process ends, until it is taken down. */
export async function startDaemon(): Promise<Client> {
  mkdirSync(FOLDER, { recursive: true })
  const log = openSync(LOG, 'w')
  const words = [COMMAND, 'daemon', '--socket', SOCKET, '--store', join(FOLDER, 'store')]
  const child = spawn(process.execPath, words, { detached: true, stdio: ['ignore', 'ignore', log] })
  closeSync(log)
  child.unref()
  for (const end = performance.now() + PATIENCE; performance.now() < end && child.exitCode === null; ) {
    const client = await findDaemon()
    if (client !== undefined) return client
    await setTimeout(50)
  }
  throw refusal(`the daemon does not answer: ${readFileSync(LOG, 'utf8').trim()}`)
}

/** Ends one that the demo started, and removes what it kept. False where there is none. */
export async function endDaemon(): Promise<boolean> {
  if (!existsSync(FOLDER)) return false
  using client = await findDaemon()
  await client?.takeDown()
  for (const end = performance.now() + PATIENCE; existsSync(SOCKET) && performance.now() < end; ) await setTimeout(20)
  rmSync(FOLDER, { recursive: true })
  return true
}
