/** Where the daemon listens, and who comes in by which door. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, unlinkSync } from 'node:fs'
import { createServer as createHttps, type Server as HttpsServer } from 'node:https'
import { connect, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { type Refusal, refusal } from '../../base/diagnostic.ts'
import { peerCredentials } from '../../kernel/peer-credentials.ts'
import { identifyBy } from './certificates.ts'
import { steadyClock } from './clock.ts'
import { httpLimits, type Limits } from './limits.ts'
import type { Identity } from './role.ts'
import { Tokens } from './tokens.ts'

export interface DoorOptions {
  /** The Unix socket: whoever can open it is admin. */
  readonly socket: string
  /** Whose members can open it, besides root: a name or a number. */
  readonly group?: string | undefined
  /** `127.0.0.1:7443`, `[::]:7443`, `:7443`. */
  readonly listen?: string | undefined
  /** Files in PEM: the server's certificate, with those between it and the authority, and its key. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** Files in PEM: who signs client certificates, and the list of those that are revoked. */
  readonly clientAuthority?: string | undefined
  readonly revoked?: string | undefined
  /** The file of {@link Tokens}. */
  readonly tokens?: string | undefined
}

/** Doors that can be opened: everything that was named has been read. */
export interface Doors {
  readonly socket: string
  readonly group: number | undefined
  readonly tcp: TcpDoor | undefined
}

interface TcpDoor {
  readonly host: string
  readonly port: number
  readonly tls: {
    readonly cert: Buffer
    readonly key: Buffer
    readonly ca?: Buffer
    readonly crl?: Buffer
    readonly minVersion: 'TLSv1.2'
    readonly requestCert: boolean
    readonly rejectUnauthorized: false
  }
  readonly tokens: Tokens | undefined
}

/** The certificates that there are now; undefined where nobody listens by TLS. A Refusal where they are no good. */
export const readTls = (options: DoorOptions): TcpDoor['tls'] | undefined =>
  options.listen === undefined ? undefined : tlsOf(options)

/** A Refusal where what is asked for would let anybody in, or cannot be. `log` hears later of a file of tokens that is no good any more. */
export function readDoors(options: DoorOptions, log: (line: string) => void): Doors {
  const { socket, group, listen } = options
  return {
    socket,
    group: group === undefined ? undefined : groupNumber(group),
    tcp: listen === undefined ? undefined : readTcp(listen, options, log),
  }
}

function readTcp(listen: string, options: DoorOptions, log: (line: string) => void): TcpDoor {
  const { certificate, key, clientAuthority, tokens } = options
  const address = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]]*)):(?<port>\d{1,5})$/.exec(listen)?.groups
  const port = Number(address?.port)
  if (address === undefined || port > 0xffff)
    throw refusal(`"${listen}" is no address to listen at`, '127.0.0.1:7443, [::1]:7443, or :7443 for all')
  if (certificate === undefined || key === undefined)
    throw refusal(
      `${listen} is refused: without TLS, whoever sees the packets could do what the daemon can`,
      'give a certificate and its key (--tls-cert FILE --tls-key FILE), or use the Unix socket alone',
    )
  if (clientAuthority === undefined && tokens === undefined)
    throw refusal(
      `${listen} is refused: nobody could be told from anybody else there`,
      'say how clients are known: who signs their certificates (--client-ca FILE), or a file of tokens (--tokens FILE)',
    )
  const failed = (why: Refusal) => log(`no token counts until this is better: ${why.message}`)
  return {
    host: address.six ?? (address.name || '::'),
    port,
    tls: tlsOf(options),
    tokens: tokens === undefined ? undefined : new Tokens(tokens, failed),
  }
}

function tlsOf({ certificate = '', key = '', clientAuthority, revoked }: DoorOptions): TcpDoor['tls'] {
  if ((statOf(key).mode & 0o007) !== 0) throw refusal(`everybody can read the key ${key}`, `chmod 640 ${key}`)
  const tls: TcpDoor['tls'] = {
    cert: read(certificate),
    key: read(key),
    ...(clientAuthority !== undefined && { ca: read(clientAuthority) }),
    ...(revoked !== undefined && { crl: read(revoked) }),
    minVersion: 'TLSv1.2',
    requestCert: clientAuthority !== undefined,
    // Whoever shows none, or one that does not count, hears why: see identify.
    rejectUnauthorized: false,
  }
  try {
    createSecureContext(tls)
  } catch (error) {
    throw refusal(
      `TLS cannot be served with ${[certificate, key, clientAuthority, revoked].filter((one) => one).join(', ')}: ${error instanceof Error ? error.message : error}`,
      'they have to be PEM, and the key the one of the certificate',
      undefined,
      error,
    )
  }
  return tls
}

function statOf(file: string) {
  try {
    return statSync(file)
  } catch (error) {
    throw refusal(`${file} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

function read(file: string): Buffer {
  statOf(file)
  try {
    return readFileSync(file)
  } catch (error) {
    throw refusal(`${file} cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

/** group(5) */
function groupNumber(group: string): number {
  if (/^\d{1,9}$/.test(group)) return Number(group)
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${group}:`))
  if (line === undefined) throw refusal(`there is no group "${group}"`, `groupadd --system ${group}`)
  return Number(line.split(':')[2])
}

const BEARER = /^Bearer +(?<token>[A-Za-z0-9._~+/-]+=*) *$/i

/** Who is at the other end of a connection that came in by one of these doors. Of any other, nobody. */
export const identifying =
  ({ tcp }: Doors, now: () => number = steadyClock()) =>
  (socket: Socket, authorization: string | undefined): Identity => {
    if (!(socket instanceof TLSSocket)) return socketPeers.get(socket) ?? { is: 'unknown' }
    if (tcp === undefined) return { is: 'unknown' }
    if (authorization === undefined) return tcp.tls.requestCert ? identifyBy(socket, now()) : { is: 'unknown' }
    const token = BEARER.exec(authorization)?.groups?.token
    if (token === undefined) return { is: 'refused', why: 'only Authorization: Bearer TOKEN is understood' }
    return tcp.tokens?.identify(token, now()) ?? { is: 'refused', why: 'no tokens count here' }
  }

const socketPeers = new WeakMap<Socket, Identity>()

export interface OpenDoors {
  /** `/run/tessera/tessera.sock`, `https://127.0.0.1:7443`. */
  readonly addresses: readonly string[]
  /** Has certificates be those that were read now. Who came in by those of before has to come in again. */
  readonly renew: (tls: TcpDoor['tls']) => void
  readonly close: () => Promise<void>
}

/** Milliseconds that answers may take that are being given when the doors close. */
const FAREWELL = 2_000

/** Opens them over the routes of `app`, which closes them with itself. A Refusal where somebody else has them. */
export async function openDoors(app: FastifyInstance, doors: Doors, limits: Limits): Promise<OpenDoors> {
  await app.ready()
  const { server } = app
  await makeWay(doors.socket)
  server.on('connection', (socket: Socket) => {
    const peer = peerCredentials(socket)
    const name = peer === undefined ? 'unix socket' : `uid ${peer.uid}`
    socketPeers.set(socket, { is: 'known', principal: { name, role: 'admin', by: 'socket' } })
  })
  server.maxConnections = limits.connections
  await listening(server, doors.socket, () => listenAt(server, doors))
  if (doors.tcp === undefined) return { addresses: [doors.socket], renew: () => {}, close: () => closing(server) }
  const secure = secureServer(app, doors.tcp, limits)
  const { host, port } = doors.tcp
  try {
    await listening(secure, `${host}:${port}`, () => secure.listen(port, host))
  } catch (error) {
    await closing(server)
    throw error
  }
  return {
    addresses: [doors.socket, addressOf(secure)],
    renew(tls) {
      secure.setSecureContext(tls)
      secure.closeAllConnections()
    },
    close: async () => void (await Promise.all([closing(server), closing(secure)])),
  }
}

/** Nobody else can open the socket before it is said who may. */
function listenAt(server: Server, { socket, group }: Doors): void {
  const mask = process.umask(0o177)
  try {
    server.listen(socket)
  } finally {
    process.umask(mask)
  }
  if (!existsSync(socket)) return
  if (group !== undefined) chownSync(socket, -1, group)
  chmodSync(socket, 0o660)
}

/** TLS that does not begin in time, or fails, ends the connection; so does one connection too many. */
function secureServer(app: FastifyInstance, { tls }: TcpDoor, limits: Limits): HttpsServer {
  const secure = createHttps({ ...tls, ...httpLimits(limits), handshakeTimeout: limits.handshakeTime }, app.routing)
  secure.maxConnections = limits.connections
  return secure
}

function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return String(address)
  return `https://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

const listening = (server: Server, where: string, begin: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const failed = (error: Error) =>
      reject(refusal(`${where} cannot be listened at: ${error.message}`, 'take another address', undefined, error))
    server.once('error', failed)
    server.once('listening', () => {
      server.off('error', failed)
      resolve()
    })
    begin()
  })

/** A socket that a daemon has left which was killed goes; a daemon that answers stays. */
async function makeWay(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw refusal(`${path} is there, and is no socket`, 'name another one with --socket')
  const isServed = await new Promise<boolean>((resolve) => {
    const client = connect(path)
    client.once('connect', () => {
      client.destroy()
      resolve(true)
    })
    client.once('error', () => resolve(false))
  })
  if (isServed) throw refusal(`another daemon listens at ${path}`, 'end it, or name another socket with --socket')
  unlinkSync(path)
}

/** Nobody comes in any more; what is being answered may end, but not for ever. */
const closing = (
  server: Server & Partial<Pick<HttpsServer, 'closeIdleConnections' | 'closeAllConnections'>>,
): Promise<void> =>
  new Promise((resolve) => {
    const late = setTimeout(() => server.closeAllConnections?.(), FAREWELL)
    server.close(() => {
      clearTimeout(late)
      resolve()
    })
    server.closeIdleConnections?.()
  })
