/** Requests over a Unix socket, or over TLS. */
import { Agent, type ClientRequest, type IncomingMessage, request as plain } from 'node:http'
import { PROBLEM_TYPE, type Problem, ProblemError, problem } from './problem.ts'

/** Where a daemon is. */
export type Endpoint =
  | { readonly socket: string }
  | {
      /** `https://host:port` */
      readonly url: string
      readonly token?: string | undefined
      /** PEM: who signs the daemon's certificate, and a certificate of the client's own with its key. */
      readonly ca?: string | undefined
      readonly cert?: string | undefined
      readonly key?: string | undefined
    }

/** Nobody answers there. */
export class Unreachable extends Error {
  /** As in `ENOENT`, `ECONNREFUSED`, `EACCES`. */
  readonly code: string | undefined
  /** It was asked for a change, and went before it answered: that may be made, or not. */
  readonly mayHaveChanged: boolean

  constructor(where: string, method: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
    const isCut = code === 'ECONNRESET' || code === 'EPIPE'
    const why = cause instanceof Error ? cause.message : cause
    super(isCut ? `the daemon at ${where} went before it answered: ${why}` : `no daemon answers at ${where}: ${why}`, {
      cause,
    })
    this.name = 'Unreachable'
    this.code = code
    this.mayHaveChanged = isCut && method !== 'GET'
  }
}

export interface Options {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly signal: AbortSignal | undefined
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly stream: AsyncIterable<Uint8Array>
  text(): Promise<string>
}

export interface Transport extends Disposable {
  /** A ProblemError where the request is refused. */
  send(options: Options): Promise<Answered>
}

/**
 * A daemon that had no time to read what was there says so, too: nothing was done, and it may be asked again, by another connection
 * (RFC 9110, section 15.5.9).
 */
const TIMEOUT = 408
const REPEATS = 3

type Begin = (options: Options) => ClientRequest

export function openTransport(to: Endpoint): Transport {
  const where = 'socket' in to ? to.socket : to.url
  const connected = 'socket' in to ? overSocket(to.socket) : overTls(to)
  return {
    async send(options) {
      const begin = (await connected).begin
      const ask = () =>
        new Promise<IncomingMessage>((resolve, reject) => {
          const request = begin(options)
          request.once('response', resolve)
          request.once('error', (error) =>
            reject(options.signal?.aborted === true ? error : new Unreachable(where, options.method, error)),
          )
          request.end(options.body)
        })
      for (let left = REPEATS; ; left--) {
        const message = await ask()
        if (message.statusCode !== TIMEOUT || left === 0) return answered(message)
        message.resume()
      }
    },
    [Symbol.dispose]: () => void connected.then(({ agent }) => agent.destroy()),
  }
}

interface Connected {
  readonly agent: Agent
  readonly begin: Begin
}

async function overSocket(socketPath: string): Promise<Connected> {
  const agent = new Agent({ keepAlive: true })
  return { agent, begin: (options) => plain({ ...common(options), socketPath, agent }) }
}

/** node:https is loaded by those who need it. */
async function overTls({ url, token, ca, cert, key }: Exclude<Endpoint, { socket: string }>): Promise<Connected> {
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'https:') throw new RangeError(`${url}: a daemon is reached by https://host:port, or by its socket`)
  const { Agent, request } = await import('node:https')
  const agent = new Agent({ keepAlive: true, ca, cert, key })
  return {
    agent,
    begin: (options) => {
      const given = common(options)
      const headers = token === undefined ? given.headers : { ...given.headers, authorization: `Bearer ${token}` }
      return request({ ...given, headers, hostname: hostname.replace(/^\[|\]$/g, ''), port, agent })
    },
  }
}

const common = ({ method, path, headers, body, signal }: Options) => ({
  method,
  path,
  headers: body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
  ...(signal === undefined ? {} : { signal }),
})

async function answered(message: IncomingMessage): Promise<Answered> {
  const { statusCode: status = 0, headers } = message
  const text = async () => Buffer.concat(await message.toArray()).toString('utf8')
  if (status < 400) return { status, headers, stream: message, text }
  throw new ProblemError(problemIn(status, headers['content-type'] ?? '', await text()))
}

/** What stands in between may answer, too, in its own words. */
function problemIn(status: number, type: string, text: string): Problem {
  if (!type.startsWith(PROBLEM_TYPE)) return problem(status, text === '' ? undefined : text.slice(0, 1000))
  return JSON.parse(text) as Problem
}
