/** How much anybody may ask for at once. */
export interface Limits {
  /** Bytes of a request's body. */
  readonly body: number
  /** Bytes of all its header fields. */
  readonly headers: number
  /** Connections of one listener; more are closed at once. */
  readonly connections: number
  /** Requests in a second, of one principal. */
  readonly rate: number
  /** Requests in a second whose credentials do not count, from one address. */
  readonly failures: number
  /** Answers that do not end by themselves (events, traces, captures): of all, and of one principal. */
  readonly streams: number
  readonly streamsEach: number
  /** Milliseconds between two looks at whether the one who reads such an answer still may. */
  readonly streamCheck: number
  /** Milliseconds until a TLS handshake, the header fields, and the whole request have to be there; and of a connection without one. */
  readonly handshakeTime: number
  readonly headerTime: number
  readonly requestTime: number
  readonly idleTime: number
}

export const LIMITS: Limits = {
  body: 8 << 20,
  headers: 16 << 10,
  connections: 256,
  rate: 5_000,
  failures: 20,
  streams: 64,
  streamsEach: 16,
  streamCheck: 5_000,
  handshakeTime: 5_000,
  headerTime: 10_000,
  requestTime: 60_000,
  idleTime: 72_000,
}

/** What the HTTP servers of Node.js call them. They look for what is late once in `connectionsCheckingInterval`. */
export const httpLimits = ({ headers, headerTime, requestTime, idleTime }: Limits) => ({
  maxHeaderSize: headers,
  headersTimeout: headerTime,
  requestTimeout: requestTime,
  keepAliveTimeout: idleTime,
  connectionsCheckingInterval: Math.min(5_000, headerTime),
})

/** What `fastify()` is to be made with. */
export const serverLimits = (limits: Limits) => ({
  bodyLimit: limits.body,
  requestTimeout: limits.requestTime,
  keepAliveTimeout: limits.idleTime,
  http: httpLimits(limits),
})

/** Counts what goes on at the same time, by whose it is. */
export class Streams {
  private readonly most: number
  private readonly mostEach: number
  private readonly each = new Map<string, number>()
  private all = 0

  constructor({ streams, streamsEach }: Pick<Limits, 'streams' | 'streamsEach'>) {
    this.most = streams
    this.mostEach = streamsEach
  }

  /** One more, until disposed; undefined where there are too many. */
  enter(whose: string): Disposable | undefined {
    const mine = this.each.get(whose) ?? 0
    if (this.all >= this.most || mine >= this.mostEach) return undefined
    this.all++
    this.each.set(whose, mine + 1)
    let isOver = false
    return {
      [Symbol.dispose]: () => {
        if (isOver) return
        isOver = true
        this.all--
        const left = (this.each.get(whose) ?? 1) - 1
        if (left === 0) this.each.delete(whose)
        else this.each.set(whose, left)
      },
    }
  }
}
