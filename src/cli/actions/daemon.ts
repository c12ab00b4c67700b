import { runDaemon } from '../../daemon/daemon.ts'
import { openLog } from '../../daemon/run/log.ts'
import { SOCKET, STORE } from '../../daemon/run/places.ts'
import type { Options } from '../commands/daemon.ts'
import { untilInterrupted } from '../signals.ts'

export async function daemon(options: Options): Promise<void> {
  const { socket = process.env.TESSERA_SOCKET ?? SOCKET, store = STORE, tlsCert, tlsKey, clientCa, log } = options
  const { group, listen, revoked, tokens } = options
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort(), ['SIGINT', 'SIGTERM'])
  let reload = () => {}
  process.on('SIGHUP', () => reload())
  await runDaemon({
    doors: { socket, group, listen, certificate: tlsCert, key: tlsKey, clientAuthority: clientCa, revoked, tokens },
    store,
    log: await openLog(log),
    signal: end.signal,
    onReload: (how) => {
      reload = how
    },
  })
}
