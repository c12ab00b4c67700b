/** The daemon: one per host, wired here. It keeps what is wanted, makes it run, and answers for it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { lockFile } from '../kernel/lock.ts'
import { notify } from '../kernel/notify.ts'
import { openEmbedded } from '../store/embedded.ts'
import type { Store } from '../store/store.ts'
import { Audit } from './access/audit.ts'
import { type AccessOptions, authorize } from './access/authorize.ts'
import { keepClock } from './access/clock.ts'
import { type DoorOptions, identifying, openDoors, readDoors, readTls } from './access/doors.ts'
import { LIMITS } from './access/limits.ts'
import { record } from './access/record.ts'
import { checkCube } from './cubes/check.ts'
import { type CubeHappened, CubeRegistry } from './cubes/registry.ts'
import { usersOf } from './cubes/users.ts'
import { type Host, openKernelHost } from './host.ts'
import { Metrics } from './metrics/metrics.ts'
import type { Logger } from './run/log.ts'
import { networkView } from './run/network.ts'
import { lockDaemon } from './run/only.ts'
import { FollowingPlanes } from './run/planes.ts'
import { createServer } from './serve/server.ts'
import { EventLog } from './service/event-log.ts'
import type { Happened } from './service/graph-states.ts'
import { createHandlers } from './service/service.ts'
import { WantedGraphs } from './service/wanted-graphs.ts'

export interface DaemonOptions {
  readonly doors: DoorOptions
  /** The folder of the store. */
  readonly store: string
  readonly log: Logger
  /** Ends it: packets flow on. */
  readonly signal: AbortSignal
  /** Has something done whenever certificates are to be read again. */
  readonly onReload: (reload: () => void) => void
}

/** Returns when it has ended in an orderly way. A Refusal where there is one already, or where it cannot be. */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { store: folder, log, signal } = options
  const end = new AbortController()
  const stopped = AbortSignal.any([signal, end.signal])
  // What is wrong with it is said before anything is begun.
  const doors = readDoors(options.doors, (line) => log.warn(line))
  using _only = lockDaemon()
  await using store = openEmbedded(folder, { lock: lockFile })
  await using parts = await open(folder, store, log, end, stopped)
  using clock = doors.tcp && keepClock(join(folder, 'clock'), (line) => log.warn(line))
  const { app, wanted } = await serving(parts, identifying(doors, clock?.now), log)
  const opened = await openDoors(app, doors, LIMITS)
  options.onReload(() => {
    try {
      const tls = readTls(options.doors)
      if (tls !== undefined) opened.renew(tls)
      log.info('certificates, and which of them are revoked, were read again')
    } catch (error) {
      log.warn({ err: error }, 'what was read before still counts')
    }
  })
  log.info({ addresses: opened.addresses, store: folder }, 'serving')
  notify(`READY=1\nSTATUS=serving at ${opened.addresses.join(' and ')}`)
  const reconciled = reconcile(parts, log, stopped)
  if (!stopped.aborted) await once(stopped, 'abort')
  notify('STOPPING=1')
  log.info('ending: what runs goes on to run')
  await opened.close()
  await app.close()
  await reconciled
  // A change that was begun is finished.
  await wanted.idle()
}

/** What is wanted runs, and goes on to, whatever comes and goes. */
async function reconcile({ wanted, host, planes }: Wired, log: Logger, signal: AbortSignal): Promise<void> {
  const began = performance.now()
  try {
    await wanted.reconcile(signal)
    for (const name of host.engine.names()) planes.follow(name)
    log.info({ ms: Math.round(performance.now() - began) }, 'what is wanted has been looked at')
  } catch (error) {
    log.error({ err: error }, 'what is wanted could not be looked at: restart the daemon when this is better')
  }
}

interface Wired extends AsyncDisposable {
  readonly host: Host
  readonly wanted: WantedGraphs
  readonly events: EventLog
  readonly planes: FollowingPlanes
  readonly metrics: Metrics
  readonly audit: Audit
  readonly cubes: CubeRegistry
  readonly takeDown: () => Promise<readonly string[]>
}

async function open(
  folder: string,
  store: Store,
  log: Logger,
  end: AbortController,
  stopped: AbortSignal,
): Promise<Wired> {
  let metrics: Metrics | undefined
  const host = openKernelHost({
    measure: (step, run) => (metrics === undefined ? run() : metrics.measure(step, run)),
  })
  const events = new EventLog({ now: Date.now })
  const planes = new FollowingPlanes(
    host,
    (line, level) => log[level](line),
    (happened) => events.tell(happened),
  )
  metrics = new Metrics({ host, planes: () => planes.status() })
  const tell = (happened: Happened | CubeHappened): void => {
    events.tell(happened)
    const { text, ...facts } = happened
    log[happened.kind === 'graph.failed' ? 'warn' : 'info'](facts, text)
  }
  const changed = (happened: Happened): void => {
    tell(happened)
    planes.follow(happened.graph)
  }
  const wanted = await WantedGraphs.open({ host, store, folder, tell: changed })
  const { catalogue } = host
  const graphs = usersOf(wanted, host, folder)
  const cubes = await CubeRegistry.open({
    ...{ store, catalogue, graphs, folder: join(folder, 'cubes'), tell },
    check: (files) => checkCube(files, stopped),
  })
  const watch = wanted.watch()
  const takeDown = async (): Promise<readonly string[]> => {
    const names = await wanted.down()
    setImmediate(() => end.abort())
    return names
  }
  const audit = await Audit.open(store)
  return {
    ...{ host, wanted, events, planes, metrics, audit, cubes, takeDown },
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]()
      planes[Symbol.dispose]()
      host[Symbol.dispose]()
    },
  }
}

/** The server, with everything but doors. */
async function serving(
  parts: Wired,
  identify: AccessOptions['identify'],
  log: Logger,
): Promise<{ app: FastifyInstance; wanted: WantedGraphs }> {
  const { host, wanted, planes, metrics, audit } = parts
  const handlers = createHandlers({
    ...parts,
    ...{ engine: host.engine, machine: host.machine, catalogue: host.catalogue, enter: host.enter },
    network: networkView,
    planes: () => planes.status(),
    metrics: () => metrics.text(),
    isReady: () => wanted.isReconciled,
    version: version(),
  })
  const app = await createServer({
    handlers,
    log,
    namespace: host.machine.namespace,
    prepare: async (app) => {
      await authorize(app, { identify, limits: LIMITS })
      record(app, { audit, revised: (graph) => wanted.get(graph) })
      app.addHook('onResponse', async ({ routeOptions }, { statusCode, elapsedTime }) =>
        metrics.answered(routeOptions.url ?? '', statusCode, elapsedTime / 1000),
      )
    },
  })
  return { app, wanted }
}

function version(): string {
  const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
