/** Where the daemon is, by option or environment, and whether one is there. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { type Client, type Endpoint, openClient, ProblemError, Unreachable } from '../api/client.ts'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import { SOCKET } from '../daemon/run/places.ts'

export interface ReachOptions {
  readonly socket?: string
  readonly server?: string
  readonly tokenFile?: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Present where a command can also do without a daemon. */
  readonly local?: boolean
}

const GROUP = 'Where the daemon is:'

/** `local`: it can also do without one. */
export function withReach(command: Command, local: 'local' | undefined = undefined): Command {
  const options = [
    ['--socket <path>', `its socket; unless said, TESSERA_SOCKET or ${SOCKET}`],
    ['--server <url>', 'or https://host:port; unless said, TESSERA_SERVER'],
    ['--token-file <file>', 'there: a file with a token; unless said, TESSERA_TOKEN is one'],
    ['--ca <file>', 'there: who signed its certificate (PEM)'],
    ['--cert <file>', 'there: a certificate of yours (PEM)'],
    ['--key <file>', 'there: its key (PEM)'],
  ] as const
  for (const [flags, description] of options)
    command.addOption(command.createOption(flags, description).helpGroup(GROUP))
  if (local !== undefined)
    command.addOption(command.createOption('--local', 'do it in this process, though a daemon runs').helpGroup(GROUP))
  return command
}

/** Where it would be. `asked`: somebody said so, and nothing else will do. */
function endpointOf({ socket, server, tokenFile, ca, cert, key }: ReachOptions): { to: Endpoint; asked: boolean } {
  const { TESSERA_SOCKET, TESSERA_SERVER, TESSERA_TOKEN } = process.env
  if (socket !== undefined && server !== undefined)
    throw refusal('--socket and --server are two daemons', 'say one of them')
  const url = server ?? (socket === undefined && TESSERA_SOCKET === undefined ? TESSERA_SERVER : undefined)
  if (url === undefined) {
    const given = socket ?? TESSERA_SOCKET
    return { to: { socket: given ?? SOCKET }, asked: given !== undefined }
  }
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
    throw refusal(`${url} is no daemon`, 'write https://host:port, or --socket and a path')
  const token = tokenFile === undefined ? TESSERA_TOKEN : read(tokenFile).trim()
  const pem = { ca: readIf(ca), cert: readIf(cert), key: readIf(key) }
  return { to: { url, token, ...pem }, asked: true }
}

const readIf = (file: string | undefined): string | undefined => (file === undefined ? undefined : read(file))

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw refusal(`${file} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

/** A client, to be called at once. */
export const daemonOf = (options: ReachOptions): Client => openClient(endpointOf(options).to)

/**
 * A client of a daemon that answers; undefined where there is none and nobody asked for one in particular. `anybody`: what is asked needs
 * no privileges, so that a daemon which this user may not talk to is none.
 */
export async function daemonIfThere(options: ReachOptions, who?: 'anybody'): Promise<Client | undefined> {
  if (options.local === true) return undefined
  const { to, asked } = endpointOf(options)
  const client = openClient(to)
  try {
    await client.getHealth()
    return client
  } catch (error) {
    client[Symbol.dispose]()
    const absent = ['ENOENT', 'ECONNREFUSED', ...(who === 'anybody' ? ['EACCES'] : [])]
    if (!asked && error instanceof Unreachable && absent.includes(error.code ?? '')) return undefined
    throw error
  }
}

/** What {@link Unreachable} means to somebody who typed a command. */
export function nobodyThere(error: Unreachable): Refusal {
  if (error.mayHaveChanged)
    return refusal(
      `${error.message}\nwhat it was asked for may be done, or not`,
      'tessera get and tessera diff FILE tell, when a daemon runs again (sudo tessera daemon): it finishes or undoes what was begun',
    )
  const remedy =
    error.code === 'EACCES'
      ? 'only its owner and group may use the socket: run with sudo'
      : 'sudo tessera daemon starts one; without it, tessera apply, diff, show, delete, compile and run work by themselves'
  return refusal(error.message, remedy)
}

export const isMissing = (error: unknown): boolean => error instanceof ProblemError && error.problem.status === 404
