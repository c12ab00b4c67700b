/** A server of a test's own behind the doors of the daemon, and requests by real connections: a Unix socket, and TLS. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type IncomingHttpHeaders, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { authorize } from '../daemon/access/authorize.ts'
import { type DoorOptions, identifying, type OpenDoors, openDoors, readDoors } from '../daemon/access/doors.ts'
import { LIMITS, type Limits, serverLimits } from '../daemon/access/limits.ts'
import { ROLES, type Role } from '../daemon/access/role.ts'
import { addToken, makeToken } from '../daemon/access/tokens.ts'
import { type CertificateFiles, makeAuthority } from './certificates.ts'

export const folder = mkdtempSync(join(tmpdir(), 'tessera-access-'))

export const authority = makeAuthority(folder)
export const stranger = makeAuthority(folder, 'stranger')
const server = authority.sign('server', '/CN=localhost')
export const tokens = join(folder, 'tokens.json')
export const socket = join(folder, 'tessera.sock')
export const tls = { listen: '127.0.0.1:0', certificate: server.certificate, key: server.key }
export const everything: DoorOptions = { socket, ...tls, clientAuthority: authority.certificate, tokens }

/** A token of each role. */
export const tokenOf = Object.fromEntries(
  ROLES.map((role) => {
    const { token, entry } = makeToken(role, role, new Date('2030-01-01'))
    addToken(tokens, entry)
    return [role, token]
  }),
) as Record<Role, string>

export interface Served {
  readonly app: FastifyInstance
  readonly doors: OpenDoors
  readonly port: number
  readonly log: string[]
}

const opened: Served[] = []
/** Of all that were served. */
export async function closeServed(): Promise<void> {
  for (const { app, doors } of opened.splice(0)) {
    await doors.close()
    await app.close()
  }
}

export const removeFiles = (): void => rmSync(folder, { recursive: true })

/** Routes `/viewer`, `/operator`, `/admin`, and `/events`, which does not end. */
export async function serve({
  options = everything,
  limits = {},
  now,
  routes = () => {},
  prepare = () => {},
  log: logger,
}: {
  options?: DoorOptions
  limits?: Partial<Limits>
  now?: () => number
  /** More routes. */
  routes?: (app: FastifyInstance) => void
  /** What comes after who may, and before the routes. */
  prepare?: (app: FastifyInstance) => void
  log?: FastifyBaseLogger
} = {}): Promise<Served> {
  const all = { ...LIMITS, ...limits }
  const log: string[] = []
  const app = fastify({ ...serverLimits(all), ...(logger && { loggerInstance: logger }) })
  const doors = readDoors(options, (line) => log.push(line))
  await authorize(app, { identify: identifying(doors, now), limits: all })
  prepare(app)
  for (const role of ROLES)
    app.all(`/${role}`, { config: { role } }, ({ principal, body }) => ({
      principal,
      size: JSON.stringify(body)?.length,
    }))
  app.get('/events', { config: { role: 'viewer', stream: true } }, (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.raw.write(': here\n\n')
  })
  routes(app)
  const open = await openDoors(app, doors, all)
  const served = { app, doors: open, port: Number(open.addresses[1]?.split(':').at(-1)), log }
  opened.push(served)
  return served
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
}

export interface Asking {
  readonly path?: string
  readonly method?: string
  readonly token?: string
  readonly authorization?: string
  readonly by?: CertificateFiles
  readonly body?: string
}

/** Over TLS, or by the socket where no port is said. */
export function ask(
  port: number | undefined,
  { path = '/viewer', method = 'GET', token, by, body, ...rest }: Asking = {},
) {
  const authorization = token === undefined ? rest.authorization : `Bearer ${token}`
  const headers = {
    ...(authorization !== undefined && { authorization }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const options = {
    path,
    method,
    headers,
    agent: false,
    ...(port === undefined
      ? { socketPath: socket }
      : { host: '127.0.0.1', port, ca: readFileSync(authority.certificate) }),
    ...(by && { cert: readFileSync(by.certificate), key: readFileSync(by.key) }),
  }
  return new Promise<Answer>((resolve, reject) => {
    const sent = (port === undefined ? plainRequest : secureRequest)(options, async (response) => {
      let text = ''
      for await (const piece of response) text += piece
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
