import { existsSync } from 'node:fs'
import { openClient, Unreachable } from '../../api/client.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { lockDaemon } from '../../daemon/run/only.ts'
import { SOCKET } from '../../daemon/run/places.ts'
import type { Options } from '../commands/down.ts'

export async function down({ socket = process.env.TESSERA_SOCKET ?? SOCKET }: Options): Promise<void> {
  const removed = (await byDaemon(socket)) ?? (await byItself())
  for (const name of removed) console.log(`graph ${name} is gone`)
  console.log(removed.length === 0 ? 'there was no graph on this host' : 'no graph is left on this host')
}

/** Undefined where none answers. */
async function byDaemon(socket: string): Promise<readonly string[] | undefined> {
  if (!existsSync(socket)) return undefined
  using client = openClient({ socket })
  try {
    return (await client.takeDown()).body.removed
  } catch (error) {
    if (error instanceof Unreachable && error.code === 'ECONNREFUSED') return undefined
    throw error
  }
}

async function byItself(): Promise<readonly string[]> {
  // Files of a daemon that was killed go with their locks, and none begins meanwhile.
  using _only = lockDaemon()
  using host = openKernelHost()
  const { engine } = host
  const here = engine.names().filter((name) => !engine.isElsewhere(name))
  for (const name of here) await engine.delete(name)
  return here
}
